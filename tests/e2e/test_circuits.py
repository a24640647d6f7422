"""The circuit of Pays de la Loire in the browser, from its committee to the lead who reads it.

That of Occitanie is walked in `test_opinions_in_browser`, that of Hauts-de-France in
`test_decision_in_browser`; `manage.py play_scenario` plays the three of them whole.
"""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Membership, User
from desks.demo import make_accounts
from desks.play import CAST, Play
from letters.models import LetterOfIntent
from tests.e2e.conftest import axe_violations
from tests.e2e.pages import BodyDesk, OpinionsBoard, follow, press
from tests.e2e.test_pages_in_browser import enter

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("reference_data"),
]


@pytest.fixture
def letter() -> LetterOfIntent:
    """The letter of Erdre et Cens, deposited, its committee asked."""
    make_accounts(CAST)
    return Play(lambda _line: None).deposit("erdre-et-cens")


def test_pays_de_la_loire_goes_from_its_committee_to_a_signed_decision(
    open_browser: Callable[..., Page],
    live_server: Any,
    letter: LetterOfIntent,
    deliver_outbox: Callable[[], int],
) -> None:
    found: list[str] = []

    def enters(email: str) -> Page:
        page = open_browser()
        enter(page, User.objects.get(email=f"{email}@exemple.test"), live_server.url)
        return page

    def clean(page: Page) -> None:
        found.extend(f"{page.url}: {fault}" for fault in axe_violations(page))

    # The secretary of the committee writes its opinion, the president gives it.
    secretary = enters("comite.pays-de-la-loire")
    draft = BodyDesk(secretary).open().open_opinion(str(letter.reference))
    clean(secretary)
    draft.choose("Favorable")
    draft.write("Le comité soutient l’initiative.")
    draft.press("Soumettre à validation")
    expect(secretary.get_by_role("main")).to_contain_text("Le projet d’avis est soumis")
    president = enters("presidence.comite")
    given = BodyDesk(president).open().open_opinion(str(letter.reference))
    clean(president)
    given.press("Valider et rendre l’avis")
    deliver_outbox()

    # The agent closes the opinions, then proposes.
    office = enters("ars.pays-de-la-loire")
    board = OpinionsBoard(office, f"{live_server.url}/dossiers/{letter.public_id}/avis/").open()
    clean(office)
    follow(office, "Clore les avis et instruire")
    clean(office)
    press(office, "Clore les avis et instruire")
    office.wait_for_url(board.url)
    office.goto(f"/dossiers/{letter.public_id}/decision/")
    clean(office)
    follow(office, "Rédiger la décision")
    main = office.get_by_role("main")
    main.get_by_label("Accepter").check(force=True)
    main.get_by_label("Cahier des charges des CPTS en Pays de la Loire").check(force=True)
    main.get_by_label("Le territoire est pertinent").check(force=True)
    press(office, "Proposer à la signature")
    expect(main).to_contain_text("Décision proposée")
    clean(office)
    deliver_outbox()

    # The signatory signs; the lead reads.
    signatory = enters("signataire.pays-de-la-loire")
    signatory.goto(f"/dossiers/{letter.public_id}/decision/")
    clean(signatory)
    signatory.get_by_label("Votre qualité").fill("Directeur général")
    press(signatory, "Approuver et signer")
    expect(signatory.get_by_role("main")).to_contain_text("La décision est prise")
    deliver_outbox()
    lead = enters("gwenaelle.leroux")
    lead.goto(f"/dossiers/{letter.public_id}/decision/")
    expect(lead.get_by_role("main")).to_contain_text("tribunal administratif de Nantes")
    clean(lead)
    assert found == []
    assert LetterOfIntent.objects.get(pk=letter.pk).state == "accepted"
    assert Membership.objects.filter(user=letter.created_by).count() == 0
