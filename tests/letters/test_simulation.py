"""The simulator: variants beside the letter, compared, adopted."""

import threading
from datetime import date
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from letters import simulating, simulation
from letters.models import LetterOfIntent, TerritoryVariant
from territories.errors import TerritoryError
from territories.models import Commune, Territory
from territories.population import SIZE_THRESHOLDS, size_class
from territories.services import add_communes, add_part, declare_population, remove_communes
from tests import factories
from tests.letters import cases
from workflow import claims
from workflow.models import Case
from writing.content import procedure_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_territories")]

TODAY = date(2026, 11, 22)


@pytest.fixture
def letter() -> LetterOfIntent:
    return cases.draft("76", communes=("81140", "81271"))


def variant_of(letter: LetterOfIntent, name: str = "Plus grand") -> TerritoryVariant:
    return simulating.create_variant(
        letter, letter.community.territory, name, user=letter.created_by
    )


def codes(territory: Territory) -> list[str]:
    return list(territory.parts.order_by("commune_id").values_list("commune_id", flat=True))


def browser(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def at(name: str, letter: LetterOfIntent, *args: Any) -> str:
    return reverse(f"letters:{name}", args=[letter.public_id, *args])


# --- Keeping ---------------------------------------------------------------------------------


def test_a_variant_begins_as_the_letter_and_never_touches_it(letter: LetterOfIntent) -> None:
    territory = letter.community.territory
    add_part(territory, "31555", "Le Mirail", 900)
    before = territory.revision
    one = variant_of(letter)

    add_communes(one.territory, ["31149"])
    remove_communes(one.territory, ["81140"])

    assert codes(one.territory) == ["31149", "31555", "81271"]
    territory.refresh_from_db()
    assert (codes(territory), territory.revision) == (["31555", "81140", "81271"], before)


def test_names_are_told_apart_and_bounded(letter: LetterOfIntent) -> None:
    one = variant_of(letter, "  Avec   Lavaur ")
    assert one.name == "Avec Lavaur"

    for name, words in (
        ("avec lavaur", "s’appelle déjà"),
        (" \0 ", "Donnez un nom"),
        ("x" * 81, "dépasse 80 signes"),
    ):
        with pytest.raises(TerritoryError, match=words):
            variant_of(letter, name)
    with pytest.raises(IntegrityError, match="territory_variant_name_unique"), transaction.atomic():
        TerritoryVariant.objects.create(
            letter=letter,
            name="AVEC LAVAUR",
            territory=Territory.objects.create(),
            created_by=letter.created_by,
        )


def test_a_letter_keeps_so_many_variants(
    letter: LetterOfIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("letters.simulating.MAX_VARIANTS", 1)
    variant_of(letter)

    with pytest.raises(TerritoryError, match="1 variantes au plus"):
        variant_of(letter, "Une autre")


def test_deleting_a_variant_deletes_its_territory_alone(letter: LetterOfIntent) -> None:
    one = variant_of(letter)

    simulating.delete_variant(one, user=letter.created_by)

    assert not Territory.objects.filter(pk=one.territory_id).exists()
    assert codes(letter.community.territory) == ["81140", "81271"]


# --- Thresholds and money ----------------------------------------------------------------------


@given(population=st.integers(0, 400_000))
def test_the_distance_to_a_size_is_the_shortest_that_reaches_it(population: int) -> None:
    here = size_class(population)
    for one in simulation.distances(population, SIZE_THRESHOLDS):
        if one is None:
            continue
        step = 1 if one.inhabitants > 0 else -1
        assert size_class(population + one.inhabitants) == one.size != here
        assert size_class(population + one.inhabitants - step) == here


@pytest.mark.parametrize(
    ("population", "expected"),
    [
        (39_999, (None, ("T2", 1))),
        (40_000, (("T1", -1), ("T3", 40_000))),
        (80_000, (("T2", -1), ("T4", 95_001))),
        (175_000, (("T2", -95_001), ("T4", 1))),
        (175_001, (("T3", -1), None)),
    ],
)
def test_distances_at_the_bounds(population: int, expected: Any) -> None:
    assert (
        tuple(
            (one.size, one.inhabitants) if one else None
            for one in simulation.distances(population, SIZE_THRESHOLDS)
        )
        == expected
    )


def test_a_threshold_says_what_it_changes() -> None:
    (sentence,) = simulation.distance_sentences(38_680, SIZE_THRESHOLDS, TODAY)

    assert sentence == (
        "1\u00a0320\u00a0habitants de plus et le territoire serait de taille 2\u00a0: "
        "+10\u00a0000\u00a0€ de fonctionnement par an."
    )


def test_money_is_said_as_far_as_it_is_known() -> None:
    assert simulation.money("T3", TODAY).headline == "jusqu’à 397\u00a0500\u00a0€"
    second = simulation.money("T2", TODAY)
    assert second.headline == (
        "60\u00a0000\u00a0€ de fonctionnement\u00a0; missions\u00a0: montant à confirmer"
    )
    assert second.rows[-1] == ["Total, hors crise", "montant à confirmer", "montant à confirmer"]
    assert "Il ne devine pas" in " ".join(second.notes)


# --- Comparing ---------------------------------------------------------------------------------


def test_variants_stand_beside_the_letter(letter: LetterOfIntent) -> None:
    larger, same = variant_of(letter), variant_of(letter, "Pareil")
    add_communes(larger.territory, ["31149"])
    remove_communes(larger.territory, ["81271"])

    columns = simulation.compare(
        letter, letter.community.territory, [larger, same], procedure_of(letter)
    )

    assert [(one.name, one.communes, one.difference) for one in columns] == [
        ("Territoire de la lettre", "2", "–"),
        ("Plus grand", "2", "+1, −1"),
        ("Pareil", "2", "la même que la lettre"),
    ]


def test_overlaps_gained_and_lost_are_told_without_a_name(letter: LetterOfIntent) -> None:
    other = cases.deposited("76", communes=("81140", "31149"))
    one = variant_of(letter)
    add_communes(one.territory, ["31149"])
    remove_communes(one.territory, ["81140"])

    found = simulation.against_letter(letter, letter.community.territory, one, letter.created_by)

    assert [overlap.overlap.communes for overlap in found.gained] == [["31149"]]
    assert [overlap.overlap.communes for overlap in found.lost] == [["81140"]]
    assert found.kept == []
    page = browser(letter.created_by).get(at("variant", letter, one.pk)).content.decode()
    assert other.title not in page
    assert "Une autre CPTS" in page
    assert (found.added, found.removed) == (["Colomiers (31149)"], ["Lavaur (81140)"])


def test_comparing_takes_as_many_queries_with_1_and_with_12_variants(
    letter: LetterOfIntent,
) -> None:
    client = browser(letter.created_by)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(at("simulation", letter)).status_code == 200
        return len(captured)

    variant_of(letter)
    queries()
    before = queries()
    for number in range(11):
        variant_of(letter, f"Variante {number}")

    assert queries() == before


# --- Who ---------------------------------------------------------------------------------------


def test_only_the_team_finds_the_simulator_and_only_writers_write(letter: LetterOfIntent) -> None:
    one = variant_of(letter)
    cases.fill(letter)
    cases.file(letter)
    reader = factories.team_member(letter.community, role="reader").user
    editor = factories.team_member(letter.community, role="editor").user
    people = {
        "owner": letter.created_by,
        "editor": editor,
        "reader": reader,
        "office": cases.agent(cases.body("one_stop_desk", "76")),
        "agency": cases.agent(cases.body("ars", "76")),
        "stranger": cases.draft("76").created_by,
        "administrator": factories.user(is_staff=True, is_superuser=True),
    }

    def answers(person: User) -> tuple[int, ...]:
        client = browser(person)
        return (
            client.get(at("simulation", letter)).status_code,
            client.get(at("variant", letter, one.pk)).status_code,
            client.get(at("variant-codes", letter, one.pk)).status_code,
            client.get(at("variant-delete", letter, one.pk)).status_code,
            client.post(
                at("variant-change", letter, one.pk, "ajouter"), {"code": "99999"}
            ).status_code,
            client.post(at("variant-create", letter), {"nom": " "}).status_code,
            client.post(at("variant-rename", letter, one.pk), {"nom": " "}).status_code,
            # Deposited: no variant is adopted any more.
            client.post(at("variant-adopt", letter, one.pk)).status_code,
        )

    nothing = (404,) * 8
    assert {who: answers(person) for who, person in people.items()} == {
        "owner": (200, 200, 200, 200, 422, 422, 422, 403),
        "editor": (200, 200, 200, 200, 422, 422, 422, 403),
        "reader": (200, 200, 200, 403, 403, 403, 403, 403),
        "office": nothing,
        "agency": nothing,
        "stranger": nothing,
        "administrator": nothing,
    }
    assert Client().get(at("simulation", letter)).status_code == 302


def test_the_variant_of_another_letter_is_not_found(letter: LetterOfIntent) -> None:
    other = variant_of(cases.draft("76", communes=("81140",)))

    client = browser(letter.created_by)

    assert client.get(at("variant", letter, other.pk)).status_code == 404
    assert client.post(at("variant-delete", letter, other.pk)).status_code == 404


# --- Without a script --------------------------------------------------------------------------


def test_a_variant_is_made_drawn_and_adopted_by_forms_alone(letter: LetterOfIntent) -> None:
    client = browser(letter.created_by)
    made = client.post(at("variant-create", letter), {"nom": "Avec Colomiers"})
    one = letter.variants.get()
    assert made.headers["Location"] == at("variant", letter, one.pk)

    page = client.get(made.headers["Location"], {"q": "Colomiers"}).content.decode()
    assert "Colomiers (Haute-Garonne" in page
    client.post(at("variant-change", letter, one.pk, "ajouter"), {"code": "31149"})
    client.post(at("variant-change", letter, one.pk, "liste"), {"liste": "81004\nNullepart"})
    assert codes(one.territory) == ["31149", "81004", "81140", "81271"]
    assert codes(letter.community.territory) == ["81140", "81271"]

    asked = client.get(at("variant-adopt", letter, one.pk))
    assert asked.context["against"].added == ["Albi (81004)", "Colomiers (31149)"]
    one.territory.refresh_from_db()
    sent = {
        "revision": asked.context["revision"],
        "variante": one.territory.revision,
    }
    done = client.post(at("variant-adopt", letter, one.pk), sent, follow=True)

    assert codes(letter.community.territory) == ["31149", "81004", "81140", "81271"]
    assert "2\u00a0lignes ajoutées, 0\u00a0ligne retirée" in done.content.decode()
    assert letter.variants.count() == 1


def test_a_variant_is_renamed_duplicated_and_deleted(letter: LetterOfIntent) -> None:
    client, one = browser(letter.created_by), variant_of(letter)
    client.post(at("variant-rename", letter, one.pk), {"nom": "Renommée"})
    client.post(at("variant-duplicate", letter, one.pk))
    client.post(at("variant-duplicate", letter, one.pk))
    names = letter.variants.values_list("name", flat=True)
    assert list(names) == ["Renommée", "Renommée – copie", "Renommée – copie 2"]

    assert client.get(at("variant-delete", letter, one.pk)).status_code == 200
    assert letter.variants.count() == 3
    client.post(at("variant-delete", letter, one.pk))
    assert list(names.all()) == ["Renommée – copie", "Renommée – copie 2"]


# --- Adopting at once -----------------------------------------------------------------------------


def adopt(one: TerritoryVariant, *revisions: int, user: User | None = None) -> Any:
    return simulating.adopt_variant(
        one,
        one.letter.community.territory,
        revisions=revisions,
        user=user or one.letter.created_by,
        key="territory",
    )


def test_what_is_declared_of_the_population_stays(letter: LetterOfIntent) -> None:
    one = variant_of(letter)
    declare_population(letter.community.territory, 30_000, "Saisonniers")
    add_communes(one.territory, ["31149"])
    territory = letter.community.territory

    adopt(one, territory.revision, one.territory.revision)

    territory.refresh_from_db()
    assert territory.declared_population == 30_000
    assert codes(territory) == ["31149", "81140", "81271"]


def test_a_draft_changed_meanwhile_is_never_overwritten(letter: LetterOfIntent) -> None:
    client, one = browser(letter.created_by), variant_of(letter)
    add_communes(one.territory, ["31149"])
    seen = client.get(at("variant-adopt", letter, one.pk)).context["revision"]
    # A co-editor draws while this person reads what would change.
    add_communes(letter.community.territory, ["81004"])

    answer = client.post(
        at("variant-adopt", letter, one.pk),
        {"revision": seen, "variante": one.territory.revision},
    )

    assert answer.status_code == 409
    assert "a changé le territoire de la lettre entre-temps" in answer.content.decode()
    assert answer.context["against"].removed == ["Albi (81004)"]
    assert codes(letter.community.territory) == ["81004", "81140", "81271"]


def test_a_variant_changed_meanwhile_is_read_again_first(letter: LetterOfIntent) -> None:
    one = variant_of(letter)
    before = one.territory.revision
    add_communes(one.territory, ["31149"])

    with pytest.raises(TerritoryError, match="a changé cette variante entre-temps"):
        adopt(one, letter.community.territory.revision, before)
    assert codes(letter.community.territory) == ["81140", "81271"]


def test_a_commune_out_of_force_is_not_brought_back(letter: LetterOfIntent) -> None:
    one = variant_of(letter)
    add_communes(one.territory, ["81004"])
    Commune.objects.filter(pk="81004").update(is_active=False)

    with pytest.raises(TerritoryError, match="ne sont plus en vigueur"):
        adopt(one, letter.community.territory.revision, one.territory.revision)
    assert codes(letter.community.territory) == ["81140", "81271"]


def test_a_reader_adopts_nothing(letter: LetterOfIntent) -> None:
    one = variant_of(letter)
    reader = factories.team_member(letter.community, role="reader").user

    with pytest.raises(PermissionDenied):
        adopt(one, 0, 0, user=reader)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_adopt_at_once_one_wins_and_the_other_is_told(
    loaded_territories: None,
) -> None:
    letter = cases.draft("76", communes=("81140",))
    first, second = variant_of(letter, "Une"), variant_of(letter, "Deux")
    add_communes(first.territory, ["31149"])
    add_communes(second.territory, ["81004"])
    revision = letter.community.territory.revision
    gate, said = threading.Barrier(2), []

    def press(one: TerritoryVariant) -> None:
        try:
            gate.wait()
            with transaction.atomic():
                adopt(one, revision, one.territory.revision)
            said.append(one.name)
        except TerritoryError as refused:
            said.append(refused.message[:8])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press, args=(one,)) for one in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one == "Quelqu’u" for one in said) == [False, True]
    won = next(one for one in (first, second) if one.name in said)
    assert codes(letter.community.territory) == codes(won.territory)


def test_a_letter_that_is_decided_keeps_its_variants_readable(letter: LetterOfIntent) -> None:
    one = variant_of(letter)
    cases.fill(letter)
    cases.file(letter)
    Case.objects.filter(pk=letter.pk).update(state="accepted")
    claims.settle_stage(Case.objects.get(pk=letter.pk))

    page = browser(letter.created_by).get(at("variant", letter, one.pk))

    assert page.status_code == 200
    assert "Adopter cette variante" not in page.content.decode()
