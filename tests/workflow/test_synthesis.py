"""What the opinions amount to, and the hand-over that freezes it."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from letters.models import LetterOfIntent
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from workflow.consultations import close_the_silent, revoke
from workflow.models import Case, CaseDesk, Opinion, Synthesis
from workflow.services import ActionRefusedError, IncompleteError, perform
from workflow.states import CaseState
from workflow.synthesis import (
    BodyLine,
    MarkLine,
    Reserve,
    as_table,
    merged_reserves,
    opinion_table,
    save_synthesis,
)

pytestmark = pytest.mark.django_db

MARKS = [
    MarkLine(
        "Conformité des objectifs avec les missions de l’ACI",
        "Satisfaisant",
        "Les missions socles y sont.",
    ),
    MarkLine("Mobilisation des acteurs de santé", "Très satisfaisant", ""),
    MarkLine("Identification du territoire", "Insuffisant", "Préciser l’est du territoire."),
]


def with_three_bodies() -> LetterOfIntent:
    """One has given its opinion, one is silent, one is late."""
    given, silent, late = (asking.urps(name) for name in ("A", "B", "C"))
    letter = asking.deposited_and_asked()
    asking.give(
        letter,
        given,
        position="favourable_with_reserves",
        reserves=["Associer les infirmiers.", "Préciser l’est du territoire"],
    )
    for body in (silent, late):
        asking.overdue(asking.request_to(letter, body))
    close_the_silent()
    asking.give(letter, late, position="unfavourable", text="Trop vague.", marks=asking.MARKS)
    return letter


def test_the_table_has_a_line_for_each_body_asked():
    letter = with_three_bodies()
    today = asking.today().isoformat()
    assert opinion_table(letter) == [
        BodyLine(
            "URPS A",
            "Favorable avec réserves",
            is_counted=True,
            given_on=today,
            text="Un projet solide.",
            marks=MARKS,
            reserves=["Associer les infirmiers.", "Préciser l’est du territoire"],
        ),
        BodyLine("URPS B", "Sans avis"),
        BodyLine(
            "URPS C",
            "Défavorable",
            is_late=True,
            given_on=today,
            text="Trop vague.",
            marks=MARKS,
        ),
    ]


@pytest.mark.parametrize("count", [1, 10])
def test_the_table_costs_two_queries_whatever_the_bodies(count, django_assert_num_queries):
    for number in range(count):
        asking.urps(f"n° {number}")
    letter = asking.deposited_and_asked()
    for consultation in letter.consultations.select_related("body"):
        asking.give(letter, consultation.body)
    with django_assert_num_queries(2):
        assert len(opinion_table(letter)) == count


def test_a_new_version_and_bodies_still_awaited_are_said_in_the_table():
    given, waiting = asking.urps("A"), asking.urps("B")
    letter = asking.deposited_and_asked()
    asking.give(letter, given)
    Case.objects.filter(pk=letter.pk).update(version=2)
    lines = opinion_table(asking.fresh(letter))
    assert [(line.body, line.outcome, line.on_older_version) for line in lines] == [
        (given.name, "Favorable", True),
        (waiting.name, "Avis attendu", False),
    ]


def test_the_same_reserve_of_several_bodies_is_one_and_late_ones_do_not_count():
    def line(body: str, *reserves: str, counted: bool = True) -> BodyLine:
        return BodyLine(body, "", is_counted=counted, reserves=list(reserves))

    lines = [
        line("A", "Associer les infirmiers.", "Préciser l’est."),
        line("B", "associer  les INFIRMIERS", "Préciser l'est", "Préciser l’est."),
        line("C", "Tout revoir.", counted=False),
        line("D", "Associer les pharmaciens."),
    ]
    assert merged_reserves(lines) == [
        Reserve("Associer les infirmiers.", ["A", "B"]),
        Reserve("Préciser l’est.", ["A", "B"]),
        Reserve("Associer les pharmaciens.", ["D"]),
    ]


# --- Writing it --------------------------------------------------------------------------


def test_the_office_in_charge_writes_the_synthesis_while_opinions_come_in():
    letter = asking.deposited_and_asked()
    first = save_synthesis(letter, user=asking.coordinator(), text=" Un.\0 ", base_revision=0)
    assert (first.text, first.revision, first.office) == ("Un.", 1, asking.guichet())
    reviewer = asking.member(asking.guichet(), "reviewer")
    second = save_synthesis(letter, user=reviewer, text="Deux.", base_revision=1)
    assert (second.pk, second.revision, second.written_by) == (first.pk, 2, reviewer)
    with pytest.raises(ActionRefusedError, match=f"modifiée par {reviewer}"):
        save_synthesis(letter, user=asking.coordinator(), text="Trois.", base_revision=1)
    with pytest.raises(ActionRefusedError, match="30001 caractères"):
        save_synthesis(letter, user=reviewer, text="x" * 30_001, base_revision=2)
    for user in (
        letter.created_by,
        factories.user(),
        asking.member(asking.agency(), "coordinator"),
        asking.member(asking.guichet(), "signatory"),
    ):
        with pytest.raises(PermissionDenied):
            save_synthesis(letter, user=user, text="Non.", base_revision=2)
    second.refresh_from_db()
    assert second.text == "Deux."


def test_the_synthesis_is_not_written_before_nor_after_the_opinions():
    letter = cases.deposited("76")
    coordinator = asking.coordinator()
    with pytest.raises(ActionRefusedError, match="ce dossier n’y est pas"):
        save_synthesis(letter, user=coordinator, text="Tôt.", base_revision=0)


# --- Handing over ------------------------------------------------------------------------


def test_a_letter_is_handed_over_once_nothing_is_awaited_and_the_synthesis_is_written():
    body = asking.urps("A")
    letter = asking.deposited_and_asked()
    coordinator = asking.coordinator()
    due = asking.request_to(letter, body).due_on

    def missing() -> list[str]:
        with pytest.raises(IncompleteError) as refused:
            perform(asking.fresh(letter), "transmit", actor=coordinator)
        return [one.sentence.replace("\u00a0", " ") for one in refused.value.missing]

    awaited = (
        f"L’avis de l’URPS A est attendu jusqu’au {due:%d/%m/%Y} : attendez-le, relancez "
        "l’organisme ou retirez la demande."
    )
    write = "Écrivez la synthèse des avis : elle accompagne le dossier."
    assert missing() == [awaited, write]
    asking.write_synthesis(letter)
    assert missing() == [awaited]
    asking.give(letter, body)
    log = perform(letter, "transmit", actor=coordinator)
    assert (log.from_state, log.to_state, log.body) == (
        "in_consultation",
        "under_review",
        asking.guichet(),
    )


def test_the_hand_over_freezes_the_table_and_changes_desks():
    letter = with_three_bodies()
    asking.write_synthesis(letter, "Plutôt favorable.")
    before = opinion_table(letter)
    coordinator = asking.coordinator()
    perform(letter, "transmit", actor=coordinator)
    synthesis = Synthesis.objects.get(case=letter)
    assert (synthesis.transmitted_by, synthesis.office) == (coordinator, asking.guichet())
    assert as_table(synthesis.content) == before
    assert synthesis.content["reserves"] == [
        {"text": "Associer les infirmiers.", "bodies": ["URPS A"]},
        {"text": "Préciser l’est du territoire", "bodies": ["URPS A"]},
    ]
    assert synthesis.content["text"] == "Plutôt favorable."
    assert (letter.office, letter.instructor) == (asking.agency(), None)
    desks = dict(CaseDesk.objects.filter(case=letter).values_list("organisation", "kind"))
    assert (desks[asking.guichet().pk], desks[asking.agency().pk]) == ("informed", "in_charge")
    Opinion.objects.update(text="Changé après coup.")
    assert as_table(Synthesis.objects.get(case=letter).content) == before


def test_the_agency_examines_a_letter_it_asked_its_committee_about():
    committee = asking.regional_committee()
    letter = asking.deposited_and_asked("52", communes=("44114",))
    agent = asking.member(cases.body("ars", "52"), "agent")
    with pytest.raises(IncompleteError) as refused:
        perform(letter, "end_consultation", actor=agent)
    assert len(refused.value.missing) == 1
    revoke(asking.request_to(letter, committee), user=agent, reason="Séance annulée.")
    perform(letter, "end_consultation", actor=agent)
    letter = asking.fresh(letter)
    assert (letter.state, letter.instructor) == (CaseState.UNDER_REVIEW, agent)
    synthesis = Synthesis.objects.get(case=letter)
    assert (synthesis.text, synthesis.content["lines"]) == ("", [])


def test_the_database_refuses_a_synthesis_that_left_without_its_content():
    letter = asking.deposited_and_asked()
    asking.write_synthesis(letter)
    for change in ({"content": {}}, {"transmitted_by": letter.created_by}):
        with (
            pytest.raises(IntegrityError, match="synthesis_transmitted_is_dated"),
            transaction.atomic(),
        ):
            Synthesis.objects.filter(case=letter).update(**change)
