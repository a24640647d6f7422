"""An office asks, a team completes and deposits, the office reads what changed."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from letters.models import LetterOfIntent
from tests.e2e.circuits import CompletionAnswer, CompletionDraft
from tests.e2e.conftest import PHONE, axe_violations, overflow
from tests.e2e.pages import follow, heading, press
from tests.e2e.test_pages_in_browser import enter
from tests.mailbox import link_in, mails
from tests.workflow.completing import PDF, agent, reviewed

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def looks_right(page: Page) -> None:
    """Nothing sticks out, and axe finds nothing to say."""
    assert (page.url, overflow(page), axe_violations(page)) == (page.url, 0, [])


def test_an_office_asks_a_team_completes_and_the_office_reads_what_changed(
    open_browser: Callable[..., Page],
    live_server: Any,
    deliver_outbox: Callable[[], int],
    tmp_path: Path,
) -> None:
    letter = reviewed()
    deliver_outbox()
    case = f"/dossiers/{letter.public_id}"

    # The office prepares the request, reads what sending does, and sends it.
    office = open_browser()
    enter(office, agent(letter), live_server.url)
    office.goto(f"{case}/complements/")
    looks_right(office)
    draft = CompletionDraft(office, letter).begin()
    draft.add("contact_email", reason="Manquant")
    # A day typed before the next item is added is found again.
    last_day = office.get_by_label("Dernier jour pour répondre")
    later = (timezone.localdate() + timedelta(days=40)).isoformat()
    last_day.fill(later)
    draft.add("territory", reason="À préciser", comment="Arras en fait-elle partie ?")
    expect(last_day).to_have_value(later)
    expect(office.get_by_text("Date retrouvée")).to_be_visible()
    draft.add("other", reason="Manquant", comment="Une carte du territoire.")
    looks_right(office)
    expect(office.get_by_role("main")).to_contain_text("le délai est seulement suspendu")
    draft.review()
    looks_right(office)
    draft.send()
    looks_right(office)
    deliver_outbox()

    # The lead opens the link of the mail, on a phone, and does each thing.
    lead = open_browser(viewport=PHONE)
    enter(lead, letter.created_by, live_server.url)
    lead.goto(link_in(mails(letter.created_by.email)[-1]))
    request = re.compile(f"{case}/complements/1/")
    assert "Demande de compléments n° 1" in heading(lead).replace("\u00a0", " ")
    looks_right(lead)
    answer = CompletionAnswer(lead, letter)
    answer.go_to("contact_email")
    looks_right(lead)
    answer.write("contact_email", "contact@exemple.test")
    expect(lead).to_have_url(request)

    answer.go_to("territory")
    lead.goto(f"/lettres/{letter.public_id}/territoire/?q=Arras")
    press(lead, re.compile("^Ajouter Arras"))
    expect(lead.get_by_role("main")).to_contain_text("Arras")
    looks_right(lead)
    follow(lead, "Revenir à la demande de compléments")
    answer.go_to("other")
    file = tmp_path / "carte.pdf"
    file.write_bytes(PDF)
    looks_right(lead)
    answer.attach(file)
    looks_right(lead)

    # Until it is deposited, the office reads what it had.
    office.goto(f"/lettres/{letter.public_id}/")
    expect(office.get_by_role("main")).not_to_contain_text("contact@exemple.test")
    follow(lead, "Relire et déposer la réponse")
    looks_right(lead)
    answer.deposit()
    looks_right(lead)
    deliver_outbox()

    # The office is told, and reads what changed.
    told = next(mail for mail in reversed(mails(agent(letter).email)) if "reçus" in mail.subject)
    office.goto(link_in(told))
    looks_right(office)
    follow(office, "Voir ce qui a changé")
    changed = office.get_by_role("main")
    for words in ("contact@exemple.test", "Arras", "carte.pdf", "Communes ajoutées"):
        expect(changed).to_contain_text(words)
    looks_right(office)
    office.goto(f"{case}/delai/")
    looks_right(office)
    office.goto(f"/lettres/{letter.public_id}/")
    looks_right(office)
    assert LetterOfIntent.objects.get(pk=letter.pk).version == 2
