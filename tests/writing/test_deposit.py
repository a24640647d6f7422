"""Depositing: once, whole, numbered without holes, on the right desk, or not at all."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import User
from letters.models import LetterOfIntent
from outbox.models import OutboxEvent
from territories.models import Commune, Region
from territories.services import add_communes
from tests import factories
from tests.letters import cases
from workflow.legal_dates import add_months
from workflow.models import (
    Answer,
    Case,
    CaseDesk,
    ReferenceCounter,
    Snapshot,
    TransitionLog,
)
from workflow.services import ActionRefusedError, AlreadyDoneError, IncompleteError
from writing import depositing
from writing.content import missing_before_deposit, procedure_of, read_content

YEAR = timezone.localdate().year
FORM = {"commits": "on", "signatory_name": "Claire Fabre", "place": "Lavaur"}


def desks(letter: LetterOfIntent) -> dict[str, set[tuple[str, str, str | None]]]:
    """Who has the letter: (kind, région, département) of each body, by title."""
    found: dict[str, set[tuple[str, str, str | None]]] = {}
    for desk in CaseDesk.objects.filter(case=letter).select_related("organisation"):
        body = desk.organisation
        found.setdefault(desk.kind, set()).add((body.kind, body.region_id, body.department_id))
    return found


# --- One deposit ---------------------------------------------------------------------


@pytest.mark.django_db
def test_a_deposit_numbers_dates_measures_freezes_and_routes_the_letter():
    letter = cases.complete("76", communes=("81140", "81271", "31149"))
    log = cases.file(letter)
    population = letter.community.territory.communes.values_list("population", flat=True)
    assert {
        "reference": letter.reference,
        "state": letter.state,
        "version": letter.version,
        "communes": letter.commune_count,
        "population": letter.population,
        "signature": (letter.signatory_name, letter.signed_at_place, letter.commits_to_missions),
        "departments": set(letter.department_codes),
    } == {
        "reference": f"LI-76-{YEAR}-0001",
        "state": "deposited",
        "version": 1,
        "communes": 3,
        "population": sum(population),
        "signature": ("Claire Fabre", "Lavaur", True),
        "departments": {"31", "81"},
    }
    snapshot = Snapshot.objects.get(case=letter)
    assert snapshot.content["reference"] == letter.reference
    assert snapshot.content["signature"]["name"] == "Claire Fabre"
    assert {line["code"] for line in snapshot.content["territory"]} == {"81140", "81271", "31149"}
    assert (log.transition, log.from_state, log.to_state) == ("deposit", "draft", "deposited")
    assert {event.handler: event.payload for event in OutboxEvent.objects.all()} == {
        "writing.deposited": {"log_id": log.pk},
        "writing.consult": {"case_id": letter.pk},
    }


@pytest.mark.django_db
def test_the_snapshot_says_every_answer_and_when_silence_means_refusal():
    letter = cases.deposited("32", communes=("59350",))
    content = Snapshot.objects.get(case=letter).content
    fields = {field["key"]: field for section in content["sections"] for field in section["fields"]}
    assert set(fields) == {field.key for field in procedure_of(letter).fields}
    for answer in Answer.objects.filter(case=letter, key__in=fields):
        assert fields[answer.key]["value"] == answer.value
    deadline = add_months(timezone.localdate(letter.deposited_at), 2)
    assert content["silence_date"] == deadline.isoformat()
    assert depositing.silence_date(letter) == deadline


@pytest.mark.django_db
def test_an_office_learns_nothing_of_a_letter_before_its_deposit():
    letter = cases.complete("76")
    agent = cases.agent(cases.body("one_stop_desk", "76"))
    assert not LetterOfIntent.objects.visible_to(agent).exists()
    cases.file(letter)
    assert list(LetterOfIntent.objects.visible_to(agent)) == [letter]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"commits": False}, "Cochez l’engagement"),
        ({"signatory_name": "   "}, "Écrivez le nom"),
        ({"place": ""}, "Écrivez le nom du référent et le lieu"),
    ],
)
def test_a_deposit_without_commitment_name_or_place_is_refused(given, expected):
    letter = cases.complete()
    signature: dict[str, Any] = {"commits": True, "signatory_name": "C. Fabre", "place": "Lavaur"}
    with pytest.raises(ActionRefusedError) as refused:
        depositing.deposit(letter, actor=letter.created_by, **(signature | given))
    assert refused.value.message.startswith(expected)
    assert_untouched(letter)


@pytest.mark.django_db
def test_an_incomplete_letter_is_refused_with_what_is_missing():
    letter = cases.draft("76")
    with pytest.raises(IncompleteError) as refused:
        cases.file(letter)
    assert refused.value.missing == missing_before_deposit(read_content(letter))
    assert "Ajoutez au moins une commune au territoire." in {
        missing.sentence for missing in refused.value.missing
    }
    assert_untouched(letter)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["editor", "reader"])
def test_only_an_owner_deposits(role):
    letter = cases.complete()
    member = factories.team_member(letter.community, role=role).user
    with pytest.raises(PermissionDenied):
        cases.file(letter, actor=member)
    assert_untouched(letter)


@pytest.mark.django_db
def test_a_second_deposit_is_told_who_did_it_and_when():
    letter = cases.complete()
    stale = LetterOfIntent.objects.get(pk=letter.pk)
    cases.file(letter)
    with pytest.raises(AlreadyDoneError) as done:
        cases.file(stale, actor=letter.created_by)
    assert done.value.message.startswith(f"Action déjà effectuée par {letter.created_by}, le ")


def assert_untouched(letter: LetterOfIntent) -> None:
    fresh = LetterOfIntent.objects.get(pk=letter.pk)
    assert (fresh.state, fresh.reference, fresh.version) == ("draft", None, 0)
    assert not TransitionLog.objects.filter(case=letter).exists()
    assert not Snapshot.objects.filter(case=letter).exists()
    assert not CaseDesk.objects.filter(case=letter).exists()
    assert not OutboxEvent.objects.exists()


# --- Routing -------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("region", "communes", "in_charge", "informed"),
    [
        pytest.param(
            "32",
            ("62041", "59350"),
            ("ars_branch", "32", "59"),
            {("ars", "32", None), ("ars_branch", "32", "62")},
            id="Hauts-de-France: the office of the most inhabited département leads",
        ),
        pytest.param(
            "32",
            ("62041",),
            ("ars_branch", "32", "62"),
            {("ars", "32", None)},
            id="Hauts-de-France, one département",
        ),
        pytest.param(
            "32",
            ("80021", "76217"),
            ("ars_branch", "32", "80"),
            {("ars", "32", None), ("ars", "28", None), ("ars_branch", "28", "76")},
            id="Hauts-de-France and Normandie",
        ),
        pytest.param(
            "76",
            ("81140", "31149"),
            ("one_stop_desk", "76", None),
            {("ars", "76", None), ("ars_branch", "76", "31"), ("ars_branch", "76", "81")},
            id="Occitanie: the Guichet leads",
        ),
        pytest.param(
            "52",
            ("44114", "49007"),
            ("ars", "52", None),
            {("ars_branch", "52", "44"), ("ars_branch", "52", "49")},
            id="Pays de la Loire: the regional agency leads",
        ),
        pytest.param(
            "84",
            ("01053", "69266"),
            ("ars_branch", "84", "69"),
            {("ars", "84", None), ("ars_branch", "84", "01")},
            id="national: the office of the most inhabited département leads",
        ),
        pytest.param(
            "84",
            ("01053", "59350"),
            ("ars_branch", "84", "01"),
            {("ars", "84", None), ("ars", "32", None), ("ars_branch", "32", "59")},
            id="national: a more inhabited département of another region is informed",
        ),
    ],
)
def test_a_letter_reaches_the_right_desk_and_the_others_are_informed(
    region, communes, in_charge, informed
):
    letter = cases.deposited(region, communes=communes)
    assert desks(letter) == {"in_charge": {in_charge}, "informed": informed}
    assert letter.reference == f"LI-{region}-{YEAR}-0001"


@pytest.mark.django_db
def test_every_region_has_a_desk_for_its_letters(loaded_territories):
    """Real communes and real bodies: the most populated commune of each of the 18 régions."""
    call_command("load_organisations", stdout=StringIO())
    regions = Region.objects.filter(has_ars=True)
    in_charge = {}
    for region in regions:
        commune = (
            Commune.objects.filter(department__region=region, kind="commune", is_active=True)
            .exclude(population=None)
            .latest("population")
        )
        letter = cases.deposited(region.code, communes=(commune.code,))
        in_charge[region.code] = (letter.office.kind, letter.office.department_id)
        assert letter.office.region_id == region.code
        if letter.office.department_id:
            assert letter.office.department_id == commune.department_id
    assert len(in_charge) == 18
    assert {code: kind for code, (kind, _) in in_charge.items() if kind != "ars_branch"} == {
        "52": "ars",
        "76": "one_stop_desk",
    }


@pytest.mark.django_db
def test_an_overseas_collectivity_without_an_agency_does_not_stop_a_letter(loaded_territories):
    call_command("load_organisations", stdout=StringIO())
    letter = cases.deposited("01", communes=("97105", "97801"))
    assert letter.office.region_id == "01"
    assert letter.commune_count == 2


@pytest.mark.django_db
def test_a_territory_wholly_in_another_region_is_said_before_the_deposit():
    letter = cases.complete("32", communes=("81140",))
    (missing,) = missing_before_deposit(read_content(letter))
    assert missing.sentence.startswith(
        "Aucune commune du territoire n’est en région Hauts-de-France, celle de cette lettre."
    )
    with pytest.raises(IncompleteError):
        cases.file(letter)


# --- The number ----------------------------------------------------------------------


@pytest.mark.django_db
def test_each_region_counts_its_own_letters():
    references = [
        cases.deposited(region, communes=communes).reference
        for region, communes in [
            ("76", ("81140",)),
            ("32", ("59350",)),
            ("76", ("31149",)),
            ("52", ("44114",)),
        ]
    ]
    assert references == [
        f"LI-76-{YEAR}-0001",
        f"LI-32-{YEAR}-0001",
        f"LI-76-{YEAR}-0002",
        f"LI-52-{YEAR}-0001",
    ]


@pytest.mark.django_db
def test_a_deposit_that_fails_leaves_no_hole_in_the_numbers(monkeypatch):
    first, second = cases.complete(), cases.complete()

    class DiskFullError(Exception):
        pass

    def fails(*_args: Any, **_kwargs: Any) -> None:
        raise DiskFullError

    with monkeypatch.context() as broken:
        broken.setattr(depositing, "publish", fails)
        with pytest.raises(DiskFullError):
            cases.file(first)
    assert_untouched(first)
    cases.file(second)
    cases.file(LetterOfIntent.objects.get(pk=first.pk))
    assert [LetterOfIntent.objects.get(pk=letter.pk).reference for letter in (second, first)] == [
        f"LI-76-{YEAR}-0001",
        f"LI-76-{YEAR}-0002",
    ]


# --- Two at once, with real transactions ---------------------------------------------


def at_once(*jobs: Any) -> list[Any]:
    """Run each job in a thread of its own, all let go together; what each gave or raised."""
    start = Barrier(len(jobs))

    def run(job: Any) -> Any:
        try:
            start.wait(10)
            return job()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def fresh_file(letter: LetterOfIntent, actor_id: int) -> Any:
    return cases.file(LetterOfIntent.objects.get(pk=letter.pk), actor=User.objects.get(pk=actor_id))


@pytest.mark.django_db(transaction=True)
def test_two_deposits_at_once_are_one():
    letter = cases.complete()
    other_owner = factories.team_member(letter.community, role="owner").user
    outcomes = at_once(
        *(
            lambda actor_id=actor_id: fresh_file(letter, actor_id)
            for actor_id in (letter.created_by_id, other_owner.pk, letter.created_by_id)
        )
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "AlreadyDoneError",
        "AlreadyDoneError",
        "TransitionLog",
    ]
    filed = LetterOfIntent.objects.get(pk=letter.pk)
    assert (filed.reference, filed.version) == (f"LI-76-{YEAR}-0001", 1)
    assert {
        "logs": TransitionLog.objects.count(),
        "snapshots": Snapshot.objects.count(),
        "in charge": CaseDesk.objects.filter(kind="in_charge").count(),
        "events": OutboxEvent.objects.count(),
        "counter": ReferenceCounter.objects.get().last,
    } == {"logs": 1, "snapshots": 1, "in charge": 1, "events": 2, "counter": 1}


@pytest.mark.django_db(transaction=True)
def test_eight_letters_deposited_at_once_take_consecutive_numbers():
    letters = [cases.complete() for _ in range(8)]
    outcomes = at_once(
        *(lambda letter=letter: fresh_file(letter, letter.created_by_id) for letter in letters)
    )
    assert {type(outcome).__name__ for outcome in outcomes} == {"TransitionLog"}
    assert sorted(LetterOfIntent.objects.values_list("reference", flat=True)) == [
        f"LI-76-{YEAR}-{number:04d}" for number in range(1, 9)
    ]


# --- What the database refuses whoever writes ----------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"reference": None}, "case_deposited_means_dated_numbered_and_routed"),
        ({"deposited_at": None}, "case_deposited_means_dated_numbered_and_routed"),
        ({"office": None}, "case_deposited_means_dated_numbered_and_routed"),
        ({"version": 0}, "case_deposited_means_dated_numbered_and_routed"),
        ({"state": "draft"}, "case_deposited_means_dated_numbered_and_routed"),
        ({"signatory_name": ""}, "letter_commitment_is_signed"),
        ({"signed_at_place": ""}, "letter_commitment_is_signed"),
        ({"commits_to_missions": False}, "letter_commitment_is_signed"),
    ],
)
def test_the_database_refuses_a_deposited_letter_that_is_not_one(change, constraint):
    letter = cases.deposited()
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        LetterOfIntent.objects.filter(pk=letter.pk).update(**change)


@pytest.mark.django_db
def test_the_database_refuses_a_draft_with_a_number():
    letter = cases.draft()
    with pytest.raises(IntegrityError, match="case_deposited"), transaction.atomic():
        Case.objects.filter(pk=letter.pk).update(reference="LI-76-2026-0001")


@pytest.mark.django_db
def test_the_database_refuses_a_second_desk_in_charge_and_a_second_snapshot():
    letter = cases.deposited()
    desk = CaseDesk.objects.get(case=letter, kind="informed", organisation__kind="ars")
    with pytest.raises(IntegrityError, match="case_one_desk_in_charge"), transaction.atomic():
        CaseDesk.objects.filter(pk=desk.pk).update(kind="in_charge")
    snapshot = Snapshot.objects.get(case=letter)
    with pytest.raises(IntegrityError, match="snapshot_one_per_version"), transaction.atomic():
        Snapshot.objects.create(
            case_id=letter.pk, version=1, content={}, sha256="", created_by=letter.created_by
        )
    with pytest.raises(ValueError, match="frozen"):
        snapshot.save()


@pytest.mark.django_db
def test_the_database_refuses_the_same_number_twice_and_two_counters_of_one_series():
    first, second = cases.deposited(), cases.deposited()
    with pytest.raises(IntegrityError, match="reference"), transaction.atomic():
        Case.objects.filter(pk=second.pk).update(reference=first.reference)
    counter = ReferenceCounter.objects.get()
    other = ReferenceCounter.objects.create(prefix="XX", region_id="76", year=YEAR)
    with pytest.raises(IntegrityError, match="reference_counter_unique"), transaction.atomic():
        ReferenceCounter.objects.filter(pk=other.pk).update(prefix=counter.prefix)


@pytest.mark.django_db
def test_the_database_refuses_two_answers_to_one_field():
    letter = cases.complete()
    first, second = Answer.objects.filter(case=letter)[:2]
    with pytest.raises(IntegrityError, match="answer_one_per_field"), transaction.atomic():
        Answer.objects.filter(pk=second.pk).update(key=first.key)


@pytest.mark.django_db
def test_adding_a_commune_after_the_deposit_does_not_touch_what_was_deposited():
    letter = cases.deposited("76", communes=("81140",))
    add_communes(letter.community.territory, ["31149"])
    assert LetterOfIntent.objects.get(pk=letter.pk).commune_count == 1
    content = Snapshot.objects.get(case=letter).content
    assert [line["code"] for line in content["territory"]] == ["81140"]
