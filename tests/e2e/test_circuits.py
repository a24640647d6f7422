"""The circuits of three regions walked in the browser, from the first reader to the decision.

One with a mouse, one on a phone, one with a keyboard alone. Who signs first in Hauts-de-France is
also walked in `test_decision_in_browser`; `manage.py play_scenario` plays the three without pages.
"""

from collections.abc import Callable
from datetime import time, timedelta
from typing import Any, Final

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import Membership, Organisation
from desks.demo import make_accounts
from desks.play import CAST, OPINIONS, PIECES, SILENT, Play
from letters.models import LetterOfIntent
from tests.e2e.circuits import (
    Cast,
    CompletionAnswer,
    CompletionDraft,
    DecisionTab,
    FollowUps,
    Hands,
    case_url,
    letter_url,
    pdf_at,
)
from tests.e2e.conftest import PHONE
from tests.e2e.pages import BodyDesk, OpinionsBoard, follow, press
from tests.mailbox import mails
from workflow.consultations import close_the_silent
from workflow.models import Consultation

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("reference_data"),
]

# The body whose opinion is written on the pages; the nine others answer by their services.
BY_HAND: Final = "medecins"


@pytest.fixture
def play() -> Play:
    make_accounts(CAST)
    return Play(lambda _line: None)


def take_up(page: Page, letter: LetterOfIntent, cast: Cast) -> None:
    page.goto(letter_url(letter))
    cast.meets(page)
    press(page, "Prendre en charge")
    expect(page.get_by_role("main")).to_contain_text("Décision")


def state_of(letter: LetterOfIntent) -> str:
    return LetterOfIntent.objects.get(pk=letter.pk).state


def nine_urps_answer(play: Play, letter: LetterOfIntent) -> None:
    """Eight give their opinion, one lets its last day pass."""
    for key, script in OPINIONS.items():
        if key != BY_HAND:
            body = Organisation.objects.get(code=f"urps-{key}-occitanie")
            play.give_opinion(letter, body, script)
    silent = Consultation.objects.live().get(case=letter.pk, body__code=f"urps-{SILENT}-occitanie")
    assert silent.due_on
    close_the_silent(today=silent.due_on + timedelta(days=1), case=letter)


def test_occitanie_goes_from_its_ten_urps_to_a_decision_with_reserves_and_aids(
    open_browser: Callable[..., Page],
    live_server: Any,
    play: Play,
    deliver_outbox: Callable[[], int],
) -> None:
    letter = play.deposit("tarn-ouest")
    reference = str(letter.reference)
    nine_urps_answer(play, letter)
    cast = Cast(open_browser, live_server.url)
    today = timezone.localdate()

    # The tenth body: a member drafts, the president gives.
    writer = cast.enters("reviewer.medecins")
    draft = BodyDesk(writer).open().open_opinion(reference)
    cast.meets(writer)
    draft.choose("Favorable avec réserves")
    draft.write("Un projet attendu par les médecins.")
    draft.mark_all("2 · Satisfaisant")
    draft.reserve(1, "Ouvrir la gouvernance aux infirmiers.")
    draft.press("Soumettre à validation")
    president = cast.enters("president.urps")
    given = BodyDesk(president).open().open_opinion(reference)
    cast.meets(president)
    given.press("Valider et rendre l’avis")
    deliver_outbox()

    # The Guichet chooses what the team will read, sums up and hands over.
    guichet = cast.enters("coordination.guichet")
    board = OpinionsBoard(guichet, f"{live_server.url}{case_url(letter, 'avis/')}").open()
    assert "Favorable avec réserves" in board.line("URPS Médecins")
    cast.meets(guichet)
    board.communicate("URPS Médecins libéraux Occitanie")
    board.write_synthesis("Neuf organismes ont répondu, un seul défavorablement.")
    cast.meets(guichet)
    board.transmit()
    deliver_outbox()

    # The agency asks for two complements; the lead deposits version 2.
    agency = cast.enters("ars.occitanie")
    take_up(agency, letter, cast)
    request = CompletionDraft(agency, letter).begin()
    request.add("map", reason="Manquant")
    request.add("prediagnosis", reason="À préciser", comment="Combien de patients ?")
    cast.meets(agency)
    request.review()
    request.send()
    deliver_outbox()
    lead = cast.enters("claire.fabre")
    lead.goto(case_url(letter, "complements/1/"))
    cast.meets(lead)
    answer = CompletionAnswer(lead, letter)
    answer.go_to("prediagnosis")
    answer.write("prediagnosis", "4 200 patients n’ont pas de médecin traitant.")
    answer.go_to("map")
    answer.attach(PIECES / "questionnaire-demonstration.pdf")
    follow(lead, "Relire et déposer la réponse")
    cast.meets(lead)
    answer.deposit()
    deliver_outbox()

    # The agency reads what changed, grants an aid, and proposes with a reserve.
    agency.goto(case_url(letter, "versions/"))
    expect(agency.get_by_role("main")).to_contain_text("4 200 patients")
    cast.meets(agency)
    after = FollowUps(agency, letter).open()
    after.grant("fonds d’intervention régional", "30000", today)
    cast.meets(agency)
    decision = DecisionTab(agency, letter).open()
    decision.write(
        reasons=(
            "Les professionnels peuvent se constituer en CPTS",
            "Le territoire est pertinent",
        ),
        reserves="Solliciter les pédicures-podologues du territoire.",
    )
    cast.meets(agency)
    decision.propose()
    deliver_outbox()
    signatory = cast.enters("signataire.occitanie")
    signs = DecisionTab(signatory, letter).open()
    cast.meets(signatory)
    signs.sign("Directeur général")
    expect(signs.main).to_contain_text("La décision est prise")
    deliver_outbox()

    # The lead reads it and answers the reserve; the agent lifts it and notes the payment.
    reads = DecisionTab(lead, letter).open()
    expect(reads.main).to_contain_text("tribunal administratif de Montpellier")
    cast.meets(lead)
    document = pdf_at(lead, lead.get_by_role("link", name="Décision LI-76"))
    assert "Solliciter les pédicures-podologues" in document
    FollowUps(lead, letter).open().answer_reserve("Nous les avons rencontrés deux fois.")
    after.open().lift_reserve("Comptes rendus des deux réunions.")
    after.note_payment(today)
    cast.meets(agency)
    found = LetterOfIntent.objects.get(pk=letter.pk)
    assert (cast.faults, found.state, found.version) == ([], "accepted", 2)


def test_hauts_de_france_goes_to_a_joint_decision_and_its_meeting_on_a_phone(
    open_browser: Callable[..., Page],
    live_server: Any,
    play: Play,
    deliver_outbox: Callable[[], int],
) -> None:
    letter = play.deposit("pays-de-lumbres")
    cast = Cast(open_browser, live_server.url, PHONE)
    agent = cast.enters("ars.pas-de-calais")
    take_up(agent, letter, cast)
    decision = DecisionTab(agent, letter).open()
    cast.meets(agent)
    decision.write(
        reasons=(
            "Les professionnels peuvent se constituer en CPTS",
            "Le territoire est pertinent",
        ),
        reserves="Associer l’hôpital de Saint-Omer.",
    )
    cast.meets(agent)
    decision.propose()
    cast.meets(agent)
    deliver_outbox()

    # The agency first: nothing is decided yet. The other order is in the next test.
    agency = DecisionTab(cast.enters("signataire.hauts-de-france"), letter).open()
    cast.meets(agency.page)
    agency.sign("Directrice générale")
    expect(agency.main).to_contain_text("Reste")
    assert state_of(letter) == "decision_proposed"
    cpam = DecisionTab(cast.enters("cpam.pas-de-calais"), letter).open()
    cast.meets(cpam.page)
    cpam.sign("Directeur de la CPAM")
    expect(cpam.main).to_contain_text("La décision est prise")
    assert state_of(letter) == "accepted"
    deliver_outbox()

    # The meeting of the territory: the guests have it in their diary, the agent has the sheet.
    after = FollowUps(agent, letter).open()
    expect(after.main).to_contain_text("jusqu’à ce que la réunion soit tenue")
    tomorrow = timezone.localdate() + timedelta(days=1)
    place = "Salle des fêtes, 62380 Lumbres"
    after.call_meeting(tomorrow, time(20, 30), time(22), place=place)
    cast.meets(agent)
    deliver_outbox()
    invitation = mails("olivier.delattre@exemple.test")[-1]
    assert [label for _stored, label in invitation.attachments] == ["reunion-information.ics"]
    after.open()
    sheet = pdf_at(agent, agent.get_by_role("link", name="Feuille de présence"))
    assert "Olivier Delattre" in sheet
    after.close_meeting(timezone.localdate(), PIECES / "questionnaire-demonstration.pdf")
    expect(after.main).to_contain_text("La réunion a été tenue")
    cast.meets(agent)

    lead = DecisionTab(cast.enters("olivier.delattre"), letter).open()
    expect(lead.main).to_contain_text("tribunal administratif de Lille")
    cast.meets(lead.page)
    assert cast.faults == []


def test_in_hauts_de_france_the_assurance_maladie_may_sign_first(
    open_browser: Callable[..., Page],
    live_server: Any,
    play: Play,
    deliver_outbox: Callable[[], int],
) -> None:
    letter = play.deposit("noyonnais-grand-roye")
    agent = play.member("ars-hauts-de-france-60", Membership.Role.AGENT)
    play.take_up(letter, agent)
    play.propose(
        letter,
        agent,
        outcome="accept",
        law_keys=["csp_l1434_12", "aci"],
        fact_keys=["territory_relevant"],
    )
    cast = Cast(open_browser, live_server.url)
    cpam = DecisionTab(cast.enters("signataire.cpam-oise"), letter).open()
    cpam.sign("Directrice de la CPAM")
    expect(cpam.main).to_contain_text("Reste")
    cast.meets(cpam.page)
    assert state_of(letter) == "decision_proposed"
    agency = DecisionTab(cast.enters("signataire.hauts-de-france"), letter).open()
    expect(agency.main).to_contain_text("Directrice de la CPAM")
    cast.meets(agency.page)
    agency.sign("Directrice générale")
    expect(agency.main).to_contain_text("La décision est prise")
    deliver_outbox()
    assert (state_of(letter), cast.faults) == ("accepted", [])


def test_pays_de_la_loire_goes_from_its_committee_to_a_decision_by_keyboard_alone(
    open_browser: Callable[..., Page],
    live_server: Any,
    play: Play,
    deliver_outbox: Callable[[], int],
) -> None:
    letter = play.deposit("erdre-et-cens")
    reference = str(letter.reference)
    cast = Cast(open_browser, live_server.url)

    def sits(name: str, address: str) -> Hands:
        page = cast.enters(name)
        page.goto(address)
        cast.meets(page)
        return Hands(page, cast)

    # The secretary of the committee writes its opinion, the president gives it.
    secretary = sits("comite.pays-de-la-loire", "/bureau/avis/")
    secretary.press(reference)
    cast.meets(secretary.page)
    secretary.choose('[name="position"]')
    secretary.write('[name="text"]', "Le comité soutient l’initiative.")
    secretary.press("Soumettre à validation")
    expect(secretary.page.get_by_role("main")).to_contain_text("Le projet d’avis est soumis")
    president = sits("presidence.comite", "/bureau/avis/")
    president.press(reference)
    president.press("Valider et rendre l’avis")
    expect(president.page.get_by_role("main")).to_contain_text("L’avis est rendu.")
    deliver_outbox()

    # The agent closes the opinions, then proposes.
    office = sits("ars.pays-de-la-loire", case_url(letter, "avis/"))
    office.press("Clore les avis et instruire")
    cast.meets(office.page)
    office.press("Clore les avis et instruire")
    office.press("Décision")
    office.press("Rédiger la décision")
    cast.meets(office.page)
    office.choose('[name="outcome"]')
    office.choose('[name="law_keys"][value="regional_specifications_52"]')
    office.choose('[name="fact_accept"][value="territory_relevant"]')
    office.press("Proposer à la signature")
    expect(office.page.get_by_role("main")).to_contain_text("Décision proposée")
    cast.meets(office.page)
    deliver_outbox()

    # The signatory signs; the lead reads.
    signatory = sits("signataire.pays-de-la-loire", case_url(letter, "decision/"))
    signatory.write('[name="capacity"]', "Directeur général")
    signatory.press("Approuver et signer")
    expect(signatory.page.get_by_role("main")).to_contain_text("La décision est prise")
    deliver_outbox()
    lead = sits("gwenaelle.leroux", letter_url(letter))
    lead.press("Décision")
    expect(lead.page.get_by_role("main")).to_contain_text("tribunal administratif de Nantes")
    cast.meets(lead.page)
    assert (state_of(letter), cast.faults) == ("accepted", [])
