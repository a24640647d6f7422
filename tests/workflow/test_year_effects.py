import json

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import User
from letters.models import LetterOfIntent
from territories import loading
from territories.comparison import compare
from tests.letters import cases
from tests.territories import cog_years
from tests.workflow import asking, completing
from workflow import overlaps, years
from workflow.claims import cover_by_contract, settle_stage
from workflow.models import Case, Snapshot, TerritoryClaim, TerritoryPeriod, YearEffect
from workflow.overlaps import arbitrate
from workflow.services import ActionRefusedError, perform

pytestmark = pytest.mark.django_db

Stage = TerritoryClaim.Stage
SEPERT, CORBIER, YBARD = "19223", "19230", "19248"


@pytest.fixture(autouse=True)
def _reference(loaded_territories: None) -> None:
    """Every commune of France, and the bodies of the regions these territories touch."""
    cases.reference_rows()
    for region, department in (("75", "19"), ("76", "12"), ("84", "15")):
        cases.body("ars", region)
        cases.body("ars_branch", region, department)


def filed(*communes: str) -> LetterOfIntent:
    """A letter of Auvergne-Rhône-Alpes that reaches communes of the next region."""
    return cases.deposited("84", communes=("01053", *communes))


def decided(*communes: str) -> LetterOfIntent:
    letter = filed(*communes)
    Case.objects.filter(pk=letter.pk).update(state="accepted")
    settle_stage(Case.objects.get(pk=letter.pk))
    return letter


def held(case: Case) -> list[tuple[str, str, int | None]]:
    rows = TerritoryClaim.objects.filter(case=case.pk).exclude(commune="01053")
    return list(
        rows.order_by("commune_id", "part_key").values_list("commune_id", "part_key", "population")
    )


def met(case: Case) -> list[tuple[int, list[str]]]:
    found = overlaps.find_overlaps(overlaps.lines_of_case(case), community_id=case.community_id)
    return [(one.case_id, [code for code in one.communes if code != "01053"]) for one in found]


def agent_of(case: Case) -> User:
    assert case.office is not None
    return cases.agent(case.office)


# --- Claims ---------------------------------------------------------------------------------------


def test_a_decided_territory_claims_the_part_of_the_new_commune_that_it_held() -> None:
    today = cog_years.load_2024()
    mine = decided(SEPERT)
    loading.load_data(today)
    assert held(mine) == [(YBARD, "saint martin sepert", 267)]


def test_a_territory_that_held_all_of_a_new_commune_claims_it_whole() -> None:
    today = cog_years.load_2024()
    mine = filed(SEPERT, CORBIER, YBARD)
    loading.load_data(today)
    assert held(mine) == [(YBARD, "", 1388)]


def test_two_decided_territories_side_by_side_do_not_overlap_once_their_communes_merge() -> None:
    today = cog_years.load_2024()
    one, other = decided(SEPERT), filed(CORBIER, YBARD)
    TerritoryClaim.objects.filter(case=other.pk, commune="01053").delete()
    Case.objects.filter(pk=other.pk).update(state="accepted")
    settle_stage(Case.objects.get(pk=other.pk))
    loading.load_data(today)
    assert met(one) == []
    # Whoever claims the new commune whole meets both.
    third = filed(YBARD)
    assert sorted(pk for pk, communes in met(third) if communes) == sorted([one.pk, other.pk])


def test_what_a_contract_covers_follows_the_year_whole_or_in_part() -> None:
    today = cog_years.load_2024()
    one, other = filed(), filed()
    Case.objects.filter(pk__in=[one.pk, other.pk]).update(kind="contract", state="accepted")
    contracts = [Case.objects.get(pk=case.pk) for case in (one, other)]
    cover_by_contract(contracts[0], [(SEPERT, ""), ("15141", "")])
    cover_by_contract(contracts[1], [(SEPERT, ""), (CORBIER, ""), (YBARD, "")])
    loading.load_data(today)
    periods = TerritoryPeriod.objects.filter(until=None).order_by("case_id")
    assert list(periods.values_list("stage", "whole", "parts")) == [
        ("contracted", ["15031", "15035", "15047", "15141", "15171"], [YBARD]),
        ("contracted", [YBARD], []),
    ]


def test_a_commune_that_splits_is_claimed_in_all_its_pieces() -> None:
    today = cog_years.load_2024()
    mine = decided("15141", "12076")
    loading.load_data(today)
    assert held(mine) == [
        ("12218", "", 1540),
        ("15031", "", 217),
        ("15035", "", 304),
        ("15047", "", 88),
        ("15141", "", 824),
        ("15171", "", 122),
    ]


def test_a_year_undone_gives_each_claim_back() -> None:
    today = cog_years.load_2024()
    mine = decided(SEPERT, "15141")
    before = [(code, part) for code, part, _ in held(mine)]
    loading.load_data(today)
    loading.load_data(cog_years.as_in_2024(today))
    assert [(code, part) for code, part, _ in held(mine)] == before


def test_an_arbitration_settles_what_the_commune_has_become() -> None:
    today = cog_years.load_2024()
    one = cases.deposited("84", communes=("01053", SEPERT, CORBIER))
    other = cases.deposited("84", communes=("69266", SEPERT))
    arbitration = arbitrate(
        one, other.pk, outcome="given", given_to=other.pk, reason="Elle y va.", actor=agent_of(one)
    )
    loading.load_data(today)
    assert arbitration.communes == [SEPERT]
    assert overlaps.unsettled(Case.objects.get(pk=one.pk)) == []
    # The state of a case that changes later gives nobody more than what was settled.
    for case in (one, other):
        Case.objects.filter(pk=case.pk).update(state="accepted")
        settle_stage(Case.objects.get(pk=case.pk))
    stages = TerritoryClaim.objects.filter(commune=YBARD).order_by("case_id", "part_key")
    assert list(stages.values_list("case_id", "part_key", "stage")) == [
        (one.pk, "saint martin sepert", Stage.RELEASED),
        (one.pk, "saint pardoux corbier", Stage.DECIDED),
        (other.pk, "saint martin sepert", Stage.DECIDED),
    ]


# --- What is kept ---------------------------------------------------------------------------------


def test_what_was_deposited_stays_as_it_was() -> None:
    today = cog_years.load_2024()
    mine = filed(SEPERT)
    frozen = json.dumps(Snapshot.objects.get(case=mine.pk).content, sort_keys=True)
    figures = Case.objects.values("population", "size_class", "commune_count").get(pk=mine.pk)
    loading.load_data(today)
    snapshot = Snapshot.objects.get(case=mine.pk)
    assert json.dumps(snapshot.content, sort_keys=True) == frozen
    assert snapshot.content["summary"]["cog_year"] == 2024
    assert [line["name"] for line in snapshot.content["territory"]] == [
        "Bourg-en-Bresse",
        "Saint-Martin-Sepert",
    ]
    assert (
        Case.objects.values("population", "size_class", "commune_count").get(pk=mine.pk) == figures
    )


def test_a_letter_completed_without_its_territory_keeps_the_communes_of_its_deposit() -> None:
    today = cog_years.load_2024()
    letter = cases.deposited("32", communes=("59350", SEPERT))
    perform(letter, "take_up", actor=completing.agent(letter))
    letter = asking.fresh(letter)
    completing.asked(letter, completing.item("contact_profession"))
    loading.load_data(today)
    completing.write(letter, "contact_profession", "Infirmière")
    completing.answer(letter)
    first, second = Snapshot.objects.filter(case=letter.pk).order_by("version")
    assert second.version == 2
    for key in ("territory", "summary"):
        assert second.content[key] == first.content[key]
    rows = TerritoryClaim.objects.filter(case=letter.pk).order_by("commune_id")
    assert list(rows.values_list("commune_id", "part_key")) == [
        (YBARD, "saint martin sepert"),
        ("59350", ""),
    ]


def test_each_case_concerned_has_a_dated_row_and_others_have_none() -> None:
    today = cog_years.load_2024()
    mine, away = filed(SEPERT), filed("69266")
    draft = cases.draft("84", communes=("01053", SEPERT))
    loading.load_data(today)
    bourg = 267
    rows = {effect.case_id: effect for effect in YearEffect.objects.all()}
    assert set(rows) == {mine.pk, draft.pk}
    assert away.pk not in rows
    kept, proposed = rows[mine.pk], rows[draft.pk]
    assert (kept.stage, kept.difference) == (Stage.FILED, 0)
    assert (proposed.stage, proposed.difference) == ("draft", 1388 - bourg)
    assert kept.communes == [
        {
            "kind": "fusions",
            "before": [
                [SEPERT, "Saint-Martin-Sepert"],
                [CORBIER, "Saint-Pardoux-Corbier"],
                [YBARD, "Saint-Ybard"],
            ],
            "after": [[YBARD, "Les Trois-Saints"]],
        }
    ]


def test_the_preview_says_the_same_and_writes_nothing() -> None:
    today = cog_years.load_2024()
    mine = filed(SEPERT)
    told = compare(today).consequences
    assert [(one.case_id, one.stage, [str(c) for c in one.changes]) for one in told] == [
        (
            mine.pk,
            Stage.FILED,
            [
                (
                    "Saint-Martin-Sepert (19223), Saint-Pardoux-Corbier (19230) et Saint-Ybard "
                    "(19248) → Les Trois-Saints (19248)"
                )
            ],
        )
    ]
    assert not YearEffect.objects.exists()
    assert held(mine) == [(SEPERT, "", 267)]


def people(data: cog_years.ReferenceData, code: str, count: int) -> cog_years.ReferenceData:
    """The same files where one commune counts that many inhabitants, a year later."""
    rows = [(*row[:7], str(count)) if row[0] == code else row for row in data.rows["communes"]]
    return cog_years.replace(
        data,
        cog_year=data.cog_year + 1,
        population_year=data.population_year + 1,
        digest="7" * 64,
        rows=dict(data.rows) | {"communes": rows},
    )


def test_a_new_legal_population_that_changes_a_class_is_an_alert_and_nothing_else() -> None:
    mine = decided()
    bourg = mine.population
    assert bourg is not None
    assert mine.size_class == "T2"
    loading.load_data(people(cog_years.in_force_today(), "01053", 39_999))
    mine.refresh_from_db()
    assert (mine.population, mine.size_class) == (bourg, "T2")
    alert = YearEffect.objects.unread().get()
    assert (alert.population_before, alert.population_after) == (bourg, 39_999)
    assert (alert.size_before, alert.size_after) == ("T2", "T1")
    assert (alert.stage, alert.communes) == (Stage.DECIDED, [])


def test_a_population_that_changes_no_class_is_listed_without_alert() -> None:
    mine = decided()
    loading.load_data(people(cog_years.in_force_today(), "01053", (mine.population or 0) + 1))
    assert YearEffect.objects.get().difference == 1
    assert not YearEffect.objects.alerts().exists()


# --- Acknowledging --------------------------------------------------------------------------------


@pytest.fixture
def alerted() -> LetterOfIntent:
    letter = decided()
    loading.load_data(people(cog_years.in_force_today(), "01053", 39_999))
    return letter


def test_an_agent_of_the_office_acknowledges_an_alert_once(alerted: LetterOfIntent) -> None:
    agent = agent_of(alerted)
    effect = YearEffect.objects.get()
    read = years.acknowledge(alerted, effect.pk, actor=agent)
    assert (read.acknowledged_by, read.body) == (agent, alerted.office)
    assert not YearEffect.objects.unread().exists()
    with pytest.raises(ActionRefusedError, match=f"C’est déjà fait.*{agent}"):
        years.acknowledge(alerted, effect.pk, actor=agent)


def test_nobody_else_acknowledges_it(alerted: LetterOfIntent) -> None:
    effect = YearEffect.objects.get()
    for person in (alerted.created_by, cases.agent(cases.body("ars", "32"))):
        with pytest.raises(PermissionDenied):
            years.acknowledge(alerted, effect.pk, actor=person)


def test_the_database_keeps_who_read_with_when() -> None:
    cog_years.load_2024()
    mine = filed(SEPERT)
    loading.load_data(cog_years.in_force_today())
    with pytest.raises(IntegrityError, match="year_effect_acknowledged"), transaction.atomic():
        YearEffect.objects.filter(case=mine.pk).update(acknowledged_by=mine.created_by)


def test_the_office_reads_and_acknowledges_on_the_page_of_the_territory(
    client: Client, alerted: LetterOfIntent
) -> None:
    agent = agent_of(alerted)
    client.force_login(agent)
    url = reverse("cases:territory", args=[alerted.public_id])
    page = client.get(url).content.decode()
    assert "Communes au 1er janvier 2027, population légale 2024" in page
    assert "la CPTS serait de taille 1, et non plus de taille 2" in page
    done = client.post(
        reverse("cases:year-acknowledge", args=[alerted.public_id, YearEffect.objects.get().pk]),
        follow=True,
    )
    assert [str(message) for message in done.context["messages"]] == [
        "C’est noté\u00a0: vous avez pris connaissance de ce changement."
    ]
    assert f"Lu par {agent}" in done.content.decode()


def test_the_team_reads_it_and_may_not_acknowledge(client: Client, alerted: LetterOfIntent) -> None:
    client.force_login(alerted.created_by)
    page = client.get(reverse("cases:territory", args=[alerted.public_id])).content.decode()
    assert "la CPTS serait de taille 1" in page
    assert "pris connaissance" not in page
    effect = YearEffect.objects.get()
    url = reverse("cases:year-acknowledge", args=[alerted.public_id, effect.pk])
    assert client.post(url).status_code == 403
    client.force_login(cases.agent(cases.body("ars", "32")))
    assert client.post(url).status_code == 404
