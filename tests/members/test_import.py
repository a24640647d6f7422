"""Members from a spreadsheet: every row is answered, nothing is written before the button."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from communities.models import Community
from cpts_portal.spreadsheets import TableFileError, csv_bytes, xlsx_bytes
from members import importing
from members.importing import COLUMNS, Row, read_members_file, rows_of
from members.models import Member, MemberImport
from members.tasks import forget_imports
from tests import factories
from tests.letters import cases
from tests.members import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def community() -> Community:
    cases.reference_rows()
    return factories.community()


def file(*rows: dict[str, str]) -> bytes:
    return csv_bytes(list(COLUMNS.values()), [[r.get(k, "") for k in COLUMNS] for r in rows])


def nurse(number: int = 1, **cells: str) -> dict[str, str]:
    return {
        "last_name": f"Nom {number}",
        "first_name": "Prénom",
        "profession": "Infirmière",
        "email": f"n{number}@exemple.test",
    } | cells


def read(community: Community, content: bytes, name: str = "m.csv") -> list[Row]:
    return rows_of(
        read_members_file(community, name=name, content=content, by=community.created_by)
    )


def one(community: Community, **cells: str) -> Row:
    (row,) = read(community, file(nurse(**cells)))
    return row


@pytest.mark.parametrize(
    ("cells", "column", "says"),
    [
        ({"last_name": ""}, "Nom", "le nom manque"),
        ({"first_name": ""}, "Prénom", "le prénom manque"),
        ({"email": "pas une adresse"}, "Adresse électronique", "n’est pas une adresse"),
        ({"profession": ""}, "Profession", "la profession manque"),
        ({"profession": "Astrologue"}, "Profession", "n’est pas une profession connue"),
        ({"rpps": "123"}, "RPPS", "compte 11 chiffres"),
        ({"rpps": "10000000001"}, "RPPS", "n’existe pas"),
        ({"commune": "Nulle-Part"}, "Commune", "n’est pas une commune connue"),
        ({"joined_on": "hier"}, "Membre depuis le", "n’est pas une date"),
        ({"joined_on": "01/01/2999"}, "Membre depuis le", "est à venir"),
        ({"kind": "Autre"}, "Nature", "Professionnel"),
        ({"structure_name": "A", "structure_kind": "Bar"}, "Nature de la structure", "connue"),
        ({"structure_name": "A", "structure_kind": "EHPAD", "finess": "1"}, "FINESS", "9 chiffres"),
        ({"last_name": "x" * 101}, "Nom", "dépasse 100 caractères"),
    ],
)
def test_a_wrong_cell_says_row_column_what_and_what_to_do(
    community: Community, cells: dict[str, str], column: str, says: str
) -> None:
    row = one(community, **cells)
    assert row.status == "wrong"
    assert [f.column for f in row.faults] == [column]
    assert row.sentences[0].startswith(f"Ligne 2, colonne «\u00a0{column}\u00a0»\u00a0: ")
    assert says in row.sentences[0]


@pytest.mark.parametrize(
    ("typed", "code"),
    [("Médecin", "10"), ("kiné", "70"), ("60", "60"), ("SAGES-FEMMES", ""), ("IDEL", "60"),
     ("Aide-soignante", "L35"), ("médecin généraliste", "10"), ("psychologue", "L93")],
)  # fmt: skip
def test_a_profession_is_known_by_its_names_and_its_code(
    community: Community, typed: str, code: str
) -> None:
    assert one(community, profession=typed).values.get("profession", "") == code


def test_a_speciality_written_with_the_profession_is_kept(community: Community) -> None:
    assert one(community, profession="Médecin généraliste").values["speciality"] == "généraliste"


def test_a_commune_is_read_by_name_by_postal_code_and_by_code(community: Community) -> None:
    found = read(
        community,
        file(
            *(
                nurse(n, commune=text)
                for n, text in enumerate(["Lavaur", "81140 Lavaur", "lavaur (81)"])
            )
        ),
    )
    assert [row.values["commune"] for row in found] == ["81140"] * 3


def test_twenty_wrong_rows_among_three_hundred_keep_none_of_the_others(
    community: Community,
) -> None:
    rows = [nurse(n, **({"rpps": "123"} if n % 15 == 0 else {})) for n in range(300)]
    client = Client()
    client.force_login(community.created_by)
    at = f"/cpts/{community.public_id}/membres/importer/"

    answer = client.post(at, {"file": SimpleUploadedFile("m.csv", file(*rows))})
    assert answer.status_code == 302
    assert Member.objects.count() == 0
    page = client.get(answer.headers["Location"]).content.decode()
    assert page.count("colonne «\u00a0RPPS\u00a0»") == 20

    wrong = client.get(f"{answer.headers['Location']}a-corriger.csv").content
    lines = list(csv.reader(io.StringIO(wrong.decode("utf-8-sig")), delimiter=";"))
    assert (len(lines), lines[0][-1]) == (21, "À corriger")

    client.post(answer.headers["Location"])
    assert Member.objects.count() == 280
    stored = MemberImport.objects.get()
    assert (stored.rows, stored.closed_at is None) == ([], False)

    # The mended rows come back by the file of those to correct.
    mended = wrong.decode("utf-8-sig").replace(";123;", ";;").encode()
    answer = client.post(at, {"file": SimpleUploadedFile("m2.csv", mended)})
    client.post(answer.headers["Location"])
    assert Member.objects.count() == 300


def test_a_second_confirmation_writes_nothing_more(community: Community) -> None:
    client = Client()
    client.force_login(community.created_by)
    read(community, file(nurse()))
    waiting = MemberImport.objects.get()
    at = f"/cpts/{community.public_id}/membres/importer/{waiting.pk}/"
    client.post(at)
    page = client.post(at, follow=True).content.decode()
    assert "a déjà été confirmé" in page
    assert Member.objects.count() == 1


def test_duplicates_are_told_apart_and_wait_for_a_choice(community: Community) -> None:
    number = making.luhn("1000000000")
    known = making.professional(community, rpps=number, email="a@exemple.test")
    namesake = making.professional(community, last_name="Fabre", first_name="Claire")
    rows = read(
        community,
        file(
            nurse(1, rpps=number, email="neuve@exemple.test"),
            nurse(2, last_name="FABRE", first_name="claire"),
            nurse(3, email="a@exemple.test"),
            nurse(4, rpps=number),
            nurse(5),
            nurse(5, email="autre@exemple.test"),
            nurse(6, email="n5@exemple.test"),
        ),
    )
    assert [(row.status, row.member) for row in rows] == [
        ("known", known.pk),
        ("doubtful", namesake.pk),
        ("doubtful", known.pk),
        ("wrong", None),
        ("ready", None),
        ("doubtful", None),
        ("doubtful", None),
    ]

    applied = importing.apply_import(
        MemberImport.objects.get(), {2: "update", 3: "add", 5: "add"}, by=community.created_by
    )

    assert applied == importing.Applied(added=2, updated=1, skipped=4, refused=[])
    known.refresh_from_db()
    assert (known.email, known.first_name) == ("neuve@exemple.test", "Prénom")


def test_a_member_added_meanwhile_is_refused_and_the_others_written(community: Community) -> None:
    number = making.luhn("1000000000")
    read(community, file(nurse(1, rpps=number), nurse(2)))
    making.professional(community, rpps=number)
    applied = importing.apply_import(MemberImport.objects.get(), {}, by=community.created_by)
    assert (applied.added, len(applied.refused)) == (1, 1)
    assert applied.refused[0].startswith("Ligne 2\u00a0: ")


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_an_export_comes_back_unchanged_and_computes_nothing(
    community: Community, form: str
) -> None:
    making.structure(community, structure_name="=1+1", commune_id="81140")
    making.professional(community, speciality="@somme", profession="L35")
    client = Client()
    client.force_login(community.created_by)
    content = client.get(f"/cpts/{community.public_id}/membres/export.{form}").content
    other = factories.community()
    rows = read(other, content, f"m.{form}")
    assert [(row.status, row.values.get("structure_name", "")) for row in rows] == [
        ("ready", "=1+1"),
        ("ready", ""),
    ]
    importing.apply_import(other.member_imports.get(), {}, by=other.created_by)
    told = ("kind", "last_name", "email", "profession", "speciality", "structure_name", "commune")
    assert list(other.members.values_list(*told)) == list(community.members.values_list(*told))
    if form == "csv":
        assert "'=1+1" in content.decode("utf-8-sig")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "est vide"),
        (b"Nom;Profession\r\n", "n’a que sa ligne de titres"),
        (b"Ville;Age\r\nLavaur;3\r\n", "Il manque au fichier la colonne «\u00a0Nom\u00a0»"),
        (b"\xd0\xcf\x11\xe0", "ancien format"),
        (b"PK\x03\x04nothing", "abîmé"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_a_reason(
    community: Community, content: bytes, says: str
) -> None:
    with pytest.raises(TableFileError, match=says):
        read(community, content)
    assert MemberImport.objects.count() == 0


def test_an_empty_workbook_is_refused(community: Community) -> None:
    with pytest.raises(TableFileError, match="titres"):
        read(community, xlsx_bytes("M", list(COLUMNS.values()), []), "m.xlsx")


def test_a_second_file_gives_the_first_one_up(community: Community) -> None:
    read(community, file(nurse(1)))
    read(community, file(nurse(2)))
    imports = MemberImport.objects.order_by("pk")
    assert [waiting.closed_at is None for waiting in imports] == [False, True]


def test_an_import_nobody_confirms_is_forgotten(community: Community) -> None:
    read(community, file(nurse(1)))
    MemberImport.objects.update(created_at=timezone.now() - timedelta(days=16))
    forget_imports()
    stored = MemberImport.objects.get()
    assert (stored.rows, stored.closed_at is None) == ([], False)
