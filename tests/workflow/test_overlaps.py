import threading
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.timezone import localtime

from accounts.models import User
from letters.models import LetterOfIntent
from territories.models import Commune
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from workflow import claims, overlaps
from workflow.models import Arbitration, Case, CaseDesk, TerritoryClaim
from workflow.overlaps import Overlap
from workflow.services import ActionRefusedError
from writing.consulting import withdraw

pytestmark = pytest.mark.django_db

Stage = TerritoryClaim.Stage


@pytest.fixture(autouse=True)
def _reference(loaded_territories: None) -> None:
    """Every commune of France."""


def letter(*communes: str, region: str = "84") -> LetterOfIntent:
    """A letter of Auvergne-Rhône-Alpes, whose national procedure goes straight to its office."""
    return cases.deposited(region, communes=communes)


def held(case: Case) -> list[tuple[str, str]]:
    rows = TerritoryClaim.objects.filter(case=case.pk).order_by("commune_id", "part_key")
    return list(rows.values_list("commune_id", "stage"))


def office_agent(case: Case) -> User:
    assert case.office is not None
    return cases.agent(case.office)


def met(case: Case) -> list[Overlap]:
    return overlaps.find_overlaps(overlaps.lines_of_case(case), community_id=case.community_id)


def decide(case: Case) -> None:
    """The end of the circuit as far as territories know: the state, then the stage."""
    Case.objects.filter(pk=case.pk).update(state="accepted")
    claims.settle_stage(Case.objects.get(pk=case.pk))


def test_a_deposit_claims_its_communes_and_a_withdrawal_frees_them() -> None:
    one = letter("01053", "69266")
    assert held(one) == [("01053", Stage.FILED), ("69266", Stage.FILED)]

    withdraw(one, actor=one.created_by, reason="Nous renonçons.")

    assert held(one) == [("01053", Stage.RELEASED), ("69266", Stage.RELEASED)]


def test_a_draft_claims_nothing() -> None:
    draft = cases.draft("84", communes=("01053",))

    assert held(draft) == []


def test_two_letters_on_one_commune_overlap_whatever_their_region() -> None:
    one = letter("01053", "69266")
    other = letter("01053", "76217", region="28")
    found = met(other)

    assert [(overlap.case_id, overlap.stage, overlap.communes) for overlap in found] == [
        (one.pk, Stage.FILED, ["01053"])
    ]
    assert found[0].inhabitants == Commune.objects.get(pk="01053").population
    withdraw(one, actor=one.created_by, reason="Nous renonçons.")
    assert met(other) == []


def test_the_cases_of_one_cpts_never_overlap() -> None:
    one = letter("01053")

    assert met(one) == []


def test_an_overlap_is_found_in_one_query_with_one_or_thirty_cases() -> None:
    mine = letter("01053")
    letter("01053")

    def queries() -> int:
        lines = overlaps.lines_of_case(mine)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            overlaps.find_overlaps(lines, community_id=mine.community_id)
        return len(captured)

    assert queries() == 1
    for _ in range(3):
        letter("01053")
    assert queries() == 1


# --- Who may know -------------------------------------------------------------------------


def labels(case: Case, user: User) -> list[str]:
    return [one.label for one in overlaps.known_overlaps(met(case), user, case=case)]


def test_a_lead_learns_the_name_of_another_cpts_only_once_it_is_decided() -> None:
    one, other = letter("01053"), letter("01053")
    lead = other.created_by

    assert labels(other, lead) == ["Une autre CPTS"]
    decide(one)
    assert labels(other, lead) == [one.title]


def test_an_agent_reads_the_names_of_the_cases_on_their_desk_only() -> None:
    near, far = letter("01053"), letter("01053", "76217", region="28")
    mine = letter("01053")

    assert sorted(labels(mine, office_agent(mine))) == sorted(
        [f"{near.title}, {near.reference}", _unseen(far, mine)]
    )


def _unseen(far: Case, mine: Case) -> str:
    """A letter of another region is informed to this office when its territory lies here."""
    on_desk = far.desks.filter(organisation=mine.office_id).exists()
    return f"{far.title}, {far.reference}" if on_desk else "Une CPTS qui n’est pas sur votre bureau"


def test_the_map_of_a_lead_shows_decided_territories_only() -> None:
    one, other = letter("01053"), letter("69266")
    lead = factories.user()

    def shown() -> list[dict[str, Any]]:
        return overlaps.known_neighbours(lead, departments=["01", "69"], community_id=0)

    assert shown() == []
    decide(one)
    assert shown() == [{"label": f"{one.title} (CPTS validée)", "codes": ["01053"]}]
    assert other.title not in str(shown())


# --- Arbitration ----------------------------------------------------------------------------


def test_no_decision_while_an_overlap_is_not_settled() -> None:
    letter("01053")
    mine = letter("01053")

    assert len(overlaps.obstacles_to_decision(mine)) == 1
    assert overlaps.obstacles_to_decision(mine)[0].startswith("Bourg-en-Bresse (")

    settle(mine)

    assert overlaps.obstacles_to_decision(mine) == []


def settle(
    case: Case, outcome: str = "shared", *, given_to: int | None = None, reason: str = "Accord."
) -> Arbitration:
    return overlaps.arbitrate(
        case,
        overlaps.unsettled(case)[0].case_id,
        outcome=outcome,
        reason=reason,
        actor=office_agent(case),
        given_to=given_to,
    )


def test_a_commune_given_to_one_is_no_longer_held_by_the_other() -> None:
    one, mine = letter("01053", "69266"), letter("01053")

    arbitration = settle(mine, "given", given_to=mine.pk)

    assert arbitration.communes == ["01053"]
    assert held(one) == [("01053", Stage.RELEASED), ("69266", Stage.FILED)]
    assert held(mine) == [("01053", Stage.FILED)]
    assert met(mine) == met(one) == []
    # The decision on each says so; the name of a CPTS that is not decided stays out of it.
    assert [line.replace("\u00a0", " ") for line in overlaps.arbitration_lines(mine)] == [
        (
            "Bourg-en-Bresse : rattachement à la présente CPTS, et non à une autre CPTS "
            f"(arbitrage du {localtime(arbitration.at):%d/%m/%Y})."
        )
    ]
    assert overlaps.arbitration_lines(one)[0].startswith("Bourg-en-Bresse\u00a0: rattachement à")


def test_a_later_arbitration_takes_the_place_of_the_first() -> None:
    one, mine = letter("01053"), letter("01053")
    settle(mine, "given", given_to=mine.pk)

    second = overlaps.arbitrate(
        one, mine.pk, outcome="shared", reason="Nouvel accord.", actor=office_agent(one)
    )

    assert claims.standing_arbitrations(mine) == claims.standing_arbitrations(one) == [second]
    assert held(one) == [("01053", Stage.FILED)]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"reason": "  "}, "Écrivez le motif"),
        ({"reason": "x" * 5_001}, "5001 caractères"),
        ({"outcome": "duel"}, "Choisissez l’arbitrage"),
        ({"outcome": "given"}, "Dites à laquelle"),
        ({"outcome": "given", "given_to": 0}, "Dites à laquelle"),
    ],
)
def test_an_arbitration_that_says_too_little_is_refused(
    changes: dict[str, Any], sentence: str
) -> None:
    letter("01053")
    mine = letter("01053")

    with pytest.raises(ActionRefusedError, match=sentence):
        settle(mine, **({"outcome": "shared"} | changes))

    assert Arbitration.objects.count() == 0


def test_only_the_office_in_charge_arbitrates() -> None:
    letter("01053")
    mine = letter("01053")
    elsewhere = cases.agent(cases.body("ars_branch", "28", "76"))

    for person in (mine.created_by, elsewhere):
        with pytest.raises(PermissionDenied):
            overlaps.arbitrate(
                mine, met(mine)[0].case_id, outcome="shared", reason="Accord.", actor=person
            )


def test_what_no_longer_overlaps_cannot_be_arbitrated() -> None:
    mine, far = letter("01053"), letter("69266")

    with pytest.raises(ActionRefusedError, match="plus rien en commun"):
        overlaps.arbitrate(
            mine, far.pk, outcome="shared", reason="Accord.", actor=office_agent(mine)
        )


# --- The database ----------------------------------------------------------------------------


def test_the_database_refuses_two_decided_cpts_on_one_commune_without_arbitration() -> None:
    one, mine = letter("01053"), letter("01053")
    decide(one)

    with (
        pytest.raises(IntegrityError, match="one_decided_without_arbitration"),
        transaction.atomic(),
    ):
        decide(mine)

    Case.objects.filter(pk=mine.pk).update(state="deposited")
    settle(mine)
    decide(mine)
    assert held(one) == held(mine) == [("01053", Stage.DECIDED)]


@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_at_once_on_one_commune_one_is_refused() -> None:
    pair = [letter("01053"), letter("01053")]
    start = threading.Barrier(2)
    outcomes: list[str] = []

    def run(case: Case) -> None:
        try:
            start.wait()
            with transaction.atomic():
                decide(case)
            outcomes.append("decided")
        except IntegrityError:
            outcomes.append("refused")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(case,)) for case in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["decided", "refused"]


# --- The page --------------------------------------------------------------------------------


def test_the_office_arbitrates_on_the_page_of_the_case(client: Any) -> None:
    one, mine = letter("01053"), letter("01053")
    person = office_agent(mine)
    client.force_login(person)
    client.post(reverse("accounts:switch_role"), {"membership": person.acting.pk})  # type: ignore[union-attr]
    url = reverse("cases:territory", args=[mine.public_id])

    shown = client.get(url).content.decode()
    assert one.title in shown
    assert "Écrire l’arbitrage" in shown

    action = reverse("cases:arbitrate", args=[mine.public_id, one.pk])
    refused = client.post(action, {f"a{one.pk}-outcome": "shared", f"a{one.pk}-reason": ""})
    assert refused.status_code == 422
    assert "Écrivez le motif de l’arbitrage." in refused.content.decode()

    done = client.post(action, {f"a{one.pk}-outcome": "shared", f"a{one.pk}-reason": "Accord."})
    assert done.status_code == 302
    assert "partage avec une autre CPTS" in client.get(url).content.decode()


def test_the_team_reads_the_checks_but_neither_names_nor_forms(client: Any) -> None:
    one, mine = letter("01053"), letter("01053")
    client.force_login(mine.created_by)

    page = client.get(reverse("cases:territory", args=[mine.public_id])).content.decode()

    assert "Une autre CPTS" in page
    assert one.title not in page
    assert "Écrire l’arbitrage" not in page
    action = reverse("cases:arbitrate", args=[mine.public_id, one.pk])
    assert client.post(action, {"outcome": "shared"}).status_code == 403


def test_an_arbitration_is_read_by_the_offices_not_by_a_body_asked_nor_by_who_writes() -> None:
    letter("01053")
    mine = letter("01053")
    settle(mine, reason="Bassin de vie commun.")
    body = factories.organisation("urps", region=mine.region)
    CaseDesk.objects.create(case=mine, organisation=body, kind=CaseDesk.Kind.CONSULTED)
    agent, writer = office_agent(mine), office_agent(mine)
    factories.team_member(mine.community, writer)
    reads = {
        who: [one.reason for one in overlaps.readable_arbitrations(mine, person)]
        for who, person in {
            "office": agent,
            "body": asking.member(body, "reviewer"),
            "writer": writer,
            "lead": mine.created_by,
        }.items()
    }
    assert reads == {
        "office": ["Bassin de vie commun."],
        "body": [],
        "writer": [],
        "lead": [],
    }
