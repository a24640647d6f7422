"""The association that carries a CPTS: its numbers, its dates, one after the other."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from communities import legal
from communities.legal import ChangedMeanwhileError, LegalEntityError
from communities.models import Community, LegalEntity
from communities.numbers import bare, rna_problem, siret_problem
from tests import factories
from tests.members.making import luhn

pytestmark = pytest.mark.django_db

SIRET = luhn(luhn("89012345") + "0001")
OTHER_SIRET = luhn(luhn("91234567") + "0001")
VALUES: dict[str, Any] = {
    "form": "association",
    "name": "Association CPTS du Lac",
    "rna": "W442000123",
    "siret": SIRET,
    "pending_reason": "",
    "address": "12 rue de la Gare",
    "postal_code": "44000",
    "city": "Nantes",
    "valid_from": date(2024, 3, 1),
}
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n"


@pytest.fixture
def community() -> Community:
    return factories.community(name="CPTS du Lac")


def added(community: Community, **changes: Any) -> LegalEntity:
    return legal.add_entity(community, VALUES | changes, by=community.created_by)


def url(community: Community, tail: str = "") -> str:
    return f"/cpts/{community.public_id}/structure-juridique/{tail}"


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


# --- Numbers ------------------------------------------------------------------------------------


@given(st.text("0123456789", min_size=8, max_size=8), st.text("0123456789", min_size=4, max_size=4))
def test_one_key_only_makes_a_siret_right(siren: str, establishment: str) -> None:
    siren = luhn(siren)
    if siren == "356000000":
        return
    right = [key for key in "0123456789" if not siret_problem(siren + establishment + key)]
    assert right == [luhn(siren + establishment)[-1]]
    wrong_siren = siren[:8] + str((int(siren[8]) + 1) % 10)
    assert "SIREN" in siret_problem(luhn(wrong_siren + establishment))


def test_numbers_are_read_as_people_write_them() -> None:
    assert bare(" w44 2000-123 ") == "W442000123"
    # La Poste: its head office passes the key, an establishment has a sum that five divides.
    kept = ["35600000000048", "35600000049837", SIRET]
    assert [siret_problem(number) for number in kept] == ["", "", ""]
    refused = ["35600000049838", SIRET[:-1], SIRET[:-1] + str((int(SIRET[-1]) + 1) % 10), "A" * 14]
    assert all(siret_problem(number) for number in refused)
    assert [rna_problem(n) for n in ("W442000123", "W2A1000123", "W9R2000123")] == ["", "", ""]
    assert all(rna_problem(n) for n in ("442000123", "W44200012", "W4420001234", "WAA2000123"))


# --- Dates --------------------------------------------------------------------------------------


def test_a_first_association_is_followed_by_a_second(community: Community) -> None:
    first = added(community)
    second = legal.replace_entity(
        first,
        VALUES | {"name": "CPTS Lac et Monts", "rna": "W442000999", "siret": OTHER_SIRET,
                  "valid_from": date(2026, 1, 1)},
        by=community.created_by,
    )  # fmt: skip

    on = {
        day: legal.current_entity(community, on=day)
        for day in (date(2024, 2, 29), date(2024, 3, 1), date(2025, 12, 31), date(2026, 1, 1))
    }
    assert list(on.values()) == [None, first, first, second]
    assert [
        (row.name, row.valid_from, row.valid_to, [one.action for one in row.changes.all()])
        for row in legal.history_of(community)
    ] == [
        ("CPTS Lac et Monts", date(2026, 1, 1), None, ["added"]),
        ("Association CPTS du Lac", date(2024, 3, 1), date(2025, 12, 31), ["closed", "added"]),
    ]


def test_two_associations_never_carry_a_cpts_on_one_day(community: Community) -> None:
    first = added(community)
    with pytest.raises(LegalEntityError, match="porte déjà la CPTS") as refused:
        added(community, rna="", siret="", valid_from=date(2025, 1, 1))
    assert refused.value.field == "valid_from"
    with pytest.raises(LegalEntityError, match="commence après"):
        legal.replace_entity(first, VALUES | {"valid_from": date(2024, 3, 1)},
                             by=community.created_by)  # fmt: skip
    legal.close_entity(first, on=date(2025, 12, 31), by=community.created_by)
    added(community, valid_from=date(2026, 1, 1))
    # The database says the same, whoever writes.
    with pytest.raises(IntegrityError, match="legal_entity_one_at_a_time"), transaction.atomic():
        LegalEntity.objects.filter(pk=first.pk).update(valid_to=date(2026, 1, 1))
    with pytest.raises(IntegrityError, match="legal_entity_dates_in_order"), transaction.atomic():
        LegalEntity.objects.filter(pk=first.pk).update(valid_to=date(2024, 2, 1))
    # Another CPTS has its own.
    assert added(factories.community(), valid_from=date(2024, 3, 1)).pk


def test_one_rna_has_one_siren(community: Community) -> None:
    first = added(community)
    for numbers in ({"siret": OTHER_SIRET}, {"rna": "W442000999"}):
        with pytest.raises(LegalEntityError, match="vérifiez les deux"):
            legal.replace_entity(
                first, VALUES | {"valid_from": date(2026, 1, 1)} | numbers, by=community.created_by
            )
    # Another establishment of the same association: a move of its seat.
    moved = luhn(SIRET[:9] + "0002")
    legal.replace_entity(
        first,
        VALUES | {"valid_from": date(2026, 1, 1), "siret": moved},
        by=community.created_by,
    )
    assert community.legal_entities.count() == 2


# --- What is missing ----------------------------------------------------------------------------


def test_what_is_missing_is_said_until_it_is_explained(community: Community) -> None:
    assert ["demande une association" in one for one in legal.missing_of(None)] == [True]
    entity = added(community, rna="", siret="")
    assert [one.split(" de l’")[0] for one in legal.missing_of(entity)] == [
        "Le numéro RNA",
        "Le numéro SIRET",
    ]
    entity.pending_reason = "Récépissé attendu."
    assert legal.missing_of(entity) == []
    local = LegalEntity(form="local_association", siret=SIRET)
    assert legal.missing_of(local) == []


def test_frozen_data_reads_as_rows(community: Community) -> None:
    entity = legal.add_entity(
        community,
        VALUES,
        by=community.created_by,
        statutes=SimpleUploadedFile("statuts.pdf", PDF),
    )
    assert legal.rows_of(legal.as_data(entity)) == [
        ("Nom", "Association CPTS du Lac"),
        ("Forme", "Association loi de 1901"),
        ("Numéro RNA", "W442000123"),
        ("Numéro SIRET", entity.siret_as_written),
        ("Siège", "12 rue de la Gare, 44000 Nantes"),
        ("Depuis le", "1er mars 2024"),
        ("Statuts", "statuts.pdf"),
    ]
    assert legal.rows_of(legal.as_data(None)) == []


# --- Pages --------------------------------------------------------------------------------------


def posted(**changes: Any) -> dict[str, Any]:
    return {**VALUES, "valid_from": "2024-03-01"} | changes


def test_the_pages_add_correct_replace_and_close(community: Community) -> None:
    client = signed_in(community.created_by)
    assert "Ajouter l’association" in client.get(url(community)).content.decode()
    file = SimpleUploadedFile("statuts.pdf", PDF)
    answer = client.post(url(community, "ajouter/"), posted(siret="890 123 45", statutes=file))
    assert answer.status_code == 422
    assert "compte 14 chiffres" in answer.content.decode()

    file.seek(0)
    client.post(url(community, "ajouter/"), posted(statutes=file))
    entity = community.legal_entities.get()
    assert b"".join(client.get(url(community, f"{entity.pk}/statuts/"))) == PDF

    client.post(url(community, f"{entity.pk}/"), posted(city="Rezé", revision=1))
    page = client.get(url(community)).content.decode()
    assert "« Nantes » devient" in page.replace("\u00a0", " ")

    client.post(
        url(community, f"{entity.pk}/remplacer/"),
        posted(name="La Seconde", valid_from="2026-01-01"),
    )
    second = community.legal_entities.get(name="La Seconde")
    client.post(url(community, f"{second.pk}/clore/"), {"on": "2026-02-01"})
    assert list(community.legal_entities.values_list("name", "valid_to")) == [
        ("La Seconde", date(2026, 2, 1)),
        ("Association CPTS du Lac", date(2025, 12, 31)),
    ]


def test_a_file_that_is_no_pdf_is_refused_and_nothing_is_kept(community: Community) -> None:
    client = signed_in(community.created_by)
    file = SimpleUploadedFile("statuts.pdf", b"MZ not a pdf")
    answer = client.post(url(community, "ajouter/"), posted(statutes=file))
    assert answer.status_code == 422
    assert "ce n’est pas un fichier PDF" in answer.content.decode()
    assert not community.legal_entities.exists()


def test_two_people_correct_and_the_second_sees_what_the_first_wrote(
    community: Community,
) -> None:
    entity = added(community)
    client = signed_in(community.created_by)
    client.post(url(community, f"{entity.pk}/"), posted(city="Rezé", revision=1))
    with pytest.raises(ChangedMeanwhileError):
        legal.correct_entity(entity, {"city": "Vertou"}, revision=1, by=community.created_by)

    answer = client.post(url(community, f"{entity.pk}/"), posted(name="Mon nom", revision=1))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert [text in page for text in ("Rezé", "Mon nom")] == [True, True]
    assert re.findall(r'name="revision"[^>]*value="(\d+)"', page) == ["2"]
    entity.refresh_from_db()
    assert (entity.name, entity.city) == ("Association CPTS du Lac", "Rezé")


def test_the_association_of_local_law_has_its_departements(community: Community) -> None:
    client = signed_in(community.created_by)
    wrong = posted(form="local_association")
    page = client.post(url(community, "ajouter/"), wrong).content.decode()
    assert [text in page for text in ("inscrite au tribunal", "dans le Bas-Rhin")] == [True, True]
    client.post(url(community, "ajouter/"), wrong | {"rna": "", "postal_code": "67000"})
    assert community.legal_entities.get().form == "local_association"


def test_a_reader_reads_and_a_stranger_finds_nothing(community: Community) -> None:
    entity = added(community)
    tails = ["", "ajouter/", f"{entity.pk}/", f"{entity.pk}/remplacer/", f"{entity.pk}/clore/"]
    reader = signed_in(factories.team_member(community, role="reader").user)
    stranger = signed_in(factories.community().created_by)
    assert [reader.get(url(community, tail)).status_code for tail in tails] == [200] + [403] * 4
    assert [stranger.get(url(community, tail)).status_code for tail in tails] == [404] * 5
    assert [Client().get(url(community, tail)).status_code for tail in tails] == [302] * 5
    # Statutes that are not joined, and an association reached through another CPTS.
    assert reader.get(url(community, f"{entity.pk}/statuts/")).status_code == 404
    other = factories.community()
    owner = signed_in(other.created_by)
    assert owner.post(url(other, f"{entity.pk}/"), posted()).status_code == 404


def test_the_page_costs_the_same_with_thirty_associations(community: Community) -> None:
    client = signed_in(community.created_by)
    day, counts = date(2020, 1, 1), []
    for number in range(30):
        added(community, rna="", siret="", valid_from=day, valid_to=day + timedelta(days=9))
        day += timedelta(days=10)
        if number in {0, 29}:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                assert client.get(url(community)).status_code == 200
            counts.append(len(queries))
    assert counts[0] == counts[1]
