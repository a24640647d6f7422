"""A new version of a case: the bodies that have it are told, once, as each wants to be."""

import pytest

from accounts.models import User
from notifications.kinds import Cadence
from notifications.models import Notification
from notifications.services import choose
from tests.mailbox import link_in, mails
from tests.workflow import asking, completing
from workflow.consultation_mails import tell_bodies_of_version
from workflow.consultations import revoke
from workflow.models import ConsultationNotice

pytestmark = pytest.mark.django_db


def told(person: User) -> list[str]:
    rows = Notification.objects.filter(user=person, kind="new_version")
    return [row.title for row in rows]


def test_bodies_are_told_once_of_a_new_version_and_what_becomes_of_their_opinion() -> None:
    gave, writes, gone = (asking.urps(name) for name in ("Médecins", "Infirmiers", "Pharmaciens"))
    letter = asking.deposited_and_asked()
    asking.give(letter, gave)
    revoke(asking.request_to(letter, gone), user=asking.coordinator(), reason="Erreur.")
    weekly = asking.president(gave)
    choose(weekly, {"new_version": Cadence.WEEKLY})
    completing.asked(letter, completing.item("contact_email"))
    completing.write(letter, "contact_email", "contact@exemple.test")
    letter = completing.answer(letter)
    said = ["L’équipe a déposé une nouvelle version"]
    people = {
        "who wrote": asking.reviewer(gave),
        "who gave": weekly,
        "who is writing": asking.reviewer(writes),
        "who is no longer asked": asking.reviewer(gone),
    }
    assert {who: told(person) for who, person in people.items()} == {
        "who wrote": said,
        "who gave": said,
        "who is writing": said,
        "who is no longer asked": [],
    }
    # Each as they chose: the summary waits for its day.
    waiting = Notification.objects.get(user=weekly, kind="new_version")
    assert (waiting.mail, waiting.cadence) == (None, Cadence.WEEKLY)
    given = mails(people["who wrote"].email)[-1]
    asked = mails(people["who is writing"].email)[-1]
    assert "rendu sur une version antérieure" in given.text_body
    assert "reste attendu jusqu’au" in asked.text_body
    own = asking.request_to(letter, writes)
    assert link_in(asked) == f"/dossiers/{letter.public_id}/avis/{own.pk}/"
    # The worker may come again: nobody is told twice.
    assert tell_bodies_of_version(letter) == 0
    assert ConsultationNotice.objects.filter(kind="version", cause="v2").count() == 4


def test_after_the_hand_over_a_body_is_still_told_of_a_new_version() -> None:
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    asking.give(letter, body)
    asking.write_synthesis(letter)
    completing.hand_over_and_take_up(letter)
    letter = asking.fresh(letter)
    completing.asked(letter, completing.item("contact_email"))
    completing.write(letter, "contact_email", "contact@exemple.test")
    completing.answer(letter)
    assert told(asking.reviewer(body)) == ["L’équipe a déposé une nouvelle version"]
