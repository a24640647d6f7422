"""Tables in and out of spreadsheets: what goes out comes back, a wrong line is named."""

import csv
import io
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from cpts_portal import spreadsheets
from letters.models import LetterOfIntent
from procedures import answers as answer_rules
from procedures import registry
from procedures.schema import Field
from tests import factories
from tests.letters import cases
from tests.writing import pages
from workflow.models import Answer
from writing import tables

OCCITANIE = registry.for_region("76")
TEAM = OCCITANIE.field("team")
MISSIONS = OCCITANIE.field("missions")
CALENDAR = OCCITANIE.field("calendar")
PROFESSIONALS = OCCITANIE.field("solicited_professionals")

HEADINGS = "Nom et prénom;Profession;Secteur d’activité;Ville d’exercice;Structure d’appartenance"


def member(name: str, profession: str = "") -> dict[str, str]:
    return {"name": name, "profession": profession, "sector": "", "place": "", "structure": ""}


def stored(table: Field, raw: Any) -> Any:
    return answer_rules.normalise(table, raw)


def read_csv(
    text: str | bytes, table: Field = TEAM, current: Any = None, *, replace: bool = False
) -> tables.Imported:
    content = text if isinstance(text, bytes) else text.encode()
    return tables.read_file(table, name="e.csv", content=content, current=current, replace=replace)


def workbook(*lines: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def read_xlsx(*lines: list[Any], table: Field = TEAM) -> tables.Imported:
    return tables.read_file(
        table, name="e.xlsx", content=workbook(*lines), current=None, replace=False
    )


def names(imported: tables.Imported) -> list[str]:
    return [row["name"] for row in imported.value]


# --- Out ----------------------------------------------------------------------------


def test_a_csv_opens_in_a_french_spreadsheet() -> None:
    content = tables.to_csv(TEAM, [member("Fabre Claire", "Médecin")])

    assert content == f"\ufeff{HEADINGS}\r\nFabre Claire;Médecin;;;\r\n".encode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_never_computes_a_cell(start: str) -> None:
    text = f"{start}HYPERLINK(1)"
    value = [member(text)]

    line = list(csv.reader(io.StringIO(tables.to_csv(TEAM, value).decode("utf-8-sig"),
                                       newline=""), delimiter=";"))[1]  # fmt: skip
    cell = openpyxl.load_workbook(io.BytesIO(tables.to_xlsx(TEAM, value))).active["A2"]

    assert line[0] == f"'{text}"
    assert (cell.data_type, cell.value[0]) == ("s", "'")


def test_fixed_rows_go_out_under_their_labels() -> None:
    value = stored(
        PROFESSIONALS,
        [{"row": "other", "label": "Diététiciens", "identified": "3"}],
    )

    lines = list(tables.lines(PROFESSIONALS, value))

    assert tables.headings(PROFESSIONALS)[0] == "Profession"
    assert lines[0] == ["Médecins généralistes", "", "", ""]
    assert lines[11] == ["Autres (préciser)\u00a0: Diététiciens", "3", "", ""]


# --- There and back -----------------------------------------------------------------

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(member(""), TEXTS)), max_size=6))
def test_what_goes_out_comes_back_unchanged(rows: list[dict[str, str]]) -> None:
    value = stored(TEAM, rows)
    if not value:
        return

    for name, content in (
        ("e.csv", tables.to_csv(TEAM, value)),
        ("e.xlsx", tables.to_xlsx(TEAM, value)),
    ):
        back = tables.read_file(TEAM, name=name, content=content, current=None, replace=True)

        assert (stored(TEAM, back.value), back.wrong) == (value, [])


@settings(deadline=None)
@given(TEXTS, st.sampled_from(["yes", "no", ""]), TEXTS)
def test_fixed_rows_come_back_unchanged(text: str, planned: str, label: str) -> None:
    missions = stored(
        MISSIONS, [{"row": "prevention", "planned": planned, "description": f"a\n{text}\nb"}]
    )
    people = stored(PROFESSIONALS, [{"row": "other", "label": label, "identified": "12 000"}])
    for table, value in ((MISSIONS, missions), (PROFESSIONALS, people)):
        for name, content in (
            ("e.csv", tables.to_csv(table, value)),
            ("e.xlsx", tables.to_xlsx(table, value)),
        ):
            back = tables.read_file(table, name=name, content=content, current=None, replace=False)

            assert (stored(table, back.value), back.wrong) == (value, [])


# --- Encodings, delimiters, headings ------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"])
def test_a_csv_is_read_whatever_wrote_it(encoding: str, delimiter: str) -> None:
    text = f"Nom et prénom{delimiter}Profession\r\nÉlodie Œuvrard{delimiter}Médecin\r\n"

    imported = read_csv(text.encode(encoding))

    assert stored(TEAM, imported.value) == [member("Élodie Œuvrard", "Médecin")]


@pytest.mark.parametrize(
    "heading", ["NOM ET PRENOM", "nom et prénom", " Nom  et prénom * ", "NOM Prénom", "name"]
)
def test_headings_are_recognised_with_or_without_accents_and_capitals(heading: str) -> None:
    assert names(read_csv(f"{heading};profession\nFabre;IDE\n")) == ["Fabre"]


def test_columns_come_in_any_order_and_strangers_are_told() -> None:
    imported = read_csv("Profession;Âge;Nom et prénom\nIDE;41;Fabre\n")

    assert imported.value == [{"profession": "IDE", "name": "Fabre"}]
    assert imported.ignored == ["Âge"]


def test_a_workbook_gives_its_numbers_dates_and_answers_as_texts() -> None:
    calendar = read_xlsx(
        ["Étape", "Mois (ou début)", "Fin"],
        ["Phase de construction du projet de CPTS", date(2027, 9, 1), "03/2028"],
        ["Dépôt du projet de santé", datetime(2028, 4, 1), None],  # noqa: DTZ001 - as a workbook holds it
        table=CALENDAR,
    )
    people = read_xlsx(["Profession", "Identifiés"], ["Infirmiers", 12.0], table=PROFESSIONALS)
    missions = read_xlsx(
        ["Intitulé de la mission", "Envisagée ?"],
        [MISSIONS.fixed_rows[0].label, True],
        [MISSIONS.fixed_rows[1].label, "non"],
        table=MISSIONS,
    )

    months = stored(CALENDAR, calendar.value)
    assert (months[0]["start"], months[0]["end"], months[2]["start"]) == (
        "2027-09",
        "2028-03",
        "2028-04",
    )
    assert stored(PROFESSIONALS, people.value)[2]["identified"] == "12"
    assert [row["planned"] for row in stored(MISSIONS, missions.value)][:2] == ["yes", "no"]
    assert calendar.wrong == people.wrong == missions.wrong == []


def test_blank_lines_are_left_out_and_do_not_shift_the_numbers() -> None:
    imported = read_csv("Nom et prénom;Profession\n\nFabre;IDE\n;\n\nRoux;" + "x" * 200 + "\n")

    assert names(imported) == ["Fabre"]
    assert [sentence[:8] for sentence in imported.wrong] == ["Ligne 6\u00a0"]


# --- Wrong lines --------------------------------------------------------------------


def test_each_wrong_line_is_named_by_its_number_in_the_file() -> None:
    imported = read_csv(
        "Profession;Identifiés;Sollicités\n"
        "Infirmiers;12;dix\n"
        "Pharmaciens;-3;2\n"
        "Sourciers;1;1\n"
        "infirmiers;1;1\n"
        "Sages-femmes;4;4\n",
        PROFESSIONALS,
    )

    assert [sentence.replace("\u00a0", " ") for sentence in imported.wrong] == [
        (
            "Ligne 2 : colonne « Sollicités » : « dix » n’est pas un nombre. "
            "Écrivez-le en chiffres, comme 12."
        ),
        (
            "Ligne 3 : colonne « Identifiés » : « -3 » est négatif. "
            "Écrivez un nombre entier, zéro ou plus."
        ),
        "Ligne 4 : « Sourciers » n’est pas une ligne de ce tableau.",
        "Ligne 5 : « Infirmiers » est déjà à la ligne 2.",
    ]
    assert imported.taken == 1
    assert stored(PROFESSIONALS, imported.value)[6]["identified"] == "4"


def test_rows_are_added_or_replace_what_was_there() -> None:
    current = [member("Déjà là")]
    text = "Nom et prénom\nNouveau\n"

    assert names(read_csv(text, current=current)) == ["Déjà là", "Nouveau"]
    assert names(read_csv(text, current=current, replace=True)) == ["Nouveau"]


def test_fixed_rows_that_the_file_does_not_have_stay() -> None:
    current = stored(PROFESSIONALS, [{"row": "nurses", "identified": "9", "solicited": "5"}])

    imported = read_csv("Profession;Identifiés\nPharmaciens;3\n", PROFESSIONALS, current)

    value = stored(PROFESSIONALS, imported.value)
    assert (value[2]["identified"], value[2]["solicited"], value[4]["identified"]) == (
        "9",
        "5",
        "3",
    )


def test_five_hundred_rows_are_refused_as_a_whole() -> None:
    text = "Nom et prénom\n" + "".join(f"Personne {n}\n" for n in range(500))

    with pytest.raises(tables.TableFileError) as refused:
        read_csv(text, current=[member("Déjà là")])

    assert str(refused.value) == (
        "Le fichier compte 500 lignes, et le tableau en a déjà 1\u00a0; la limite est de 200. "
        "Rien n’a été importé\u00a0: retirez des lignes du fichier, puis recommencez."
    )


# --- Files that are not tables ------------------------------------------------------


def zipped(**parts: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name.replace("__", "/"), content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Le fichier est vide"),
        (b"\n\n ; \n", "Le fichier est vide"),
        (f"{HEADINGS}\n".encode(), "n’a que sa ligne de titres"),
        (b"Fabre;IDE\nRoux;IDE\n", "doit porter les titres des colonnes"),
        (b"%PDF-1.7\x00\x01\x02", "n’est pas un tableau"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "ancien format d’Excel"),
        (b"PK\x03\x04rien", "Ce fichier est abîmé"),
        (zipped(**{"word__document.xml": b"<a/>"}), "n’est pas un classeur Excel"),
        (zipped(**{"xl__workbook.xml": b"<a/>"}), "Ce classeur ne peut pas être lu"),
        (
            zipped(**{"xl__workbook.xml": b"<a/>", "xl__sheet.xml": b"0" * 70_000_000}),
            "trop gros une fois ouvert",
        ),
        (b"a" * (spreadsheets.MAX_UPLOAD_BYTES + 1), "dépasse 5 Mo"),
        (b'Nom et pr\xc3\xa9nom\n"' + b"a" * 200_000, "Ce CSV ne peut pas être lu"),
        (
            b"Nom et pr\xc3\xa9nom\n" + b"x\n" * 60_000,
            "lignes",
        ),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(tables.TableFileError) as refused:
        read_csv(content)

    assert words in str(refused.value)


def test_a_sheet_that_pretends_to_be_huge_is_read_within_limits() -> None:
    """One cell at the far corner of the sheet: a million empty rows must not be built."""
    book = openpyxl.Workbook()
    book.active.append(["Nom et prénom"])
    book.active.append(["Fabre"])
    book.active.cell(row=1_048_576, column=16_384, value="loin")
    out = io.BytesIO()
    book.save(out)

    imported = tables.read_file(
        TEAM, name="e.xlsx", content=out.getvalue(), current=None, replace=False
    )

    assert names(imported) == ["Fabre"]


def test_a_tall_workbook_is_refused() -> None:
    with pytest.raises(tables.TableFileError, match="dépasse 1500 lignes"):
        read_xlsx(["Nom et prénom"], *([f"P {n}"] for n in range(1_600)))


# --- The pages ----------------------------------------------------------------------


@pytest.fixture
def letter(client: Client, db: None) -> LetterOfIntent:
    draft = cases.draft("76")
    client.force_login(draft.created_by)
    return draft


def page(letter: LetterOfIntent, name: str = "import", field: str = "team", *more: str) -> str:
    return reverse(f"letters:table-{name}", args=[letter.public_id, field, *more])


def send(client: Client, letter: LetterOfIntent, text: str | bytes, **more: str) -> Any:
    content = text if isinstance(text, bytes) else text.encode()
    return client.post(page(letter), {"file": SimpleUploadedFile("equipe.csv", content), **more})


def team(letter: LetterOfIntent) -> list[str] | None:
    value = letter.answers.filter(key="team").values_list("value", flat=True).first()
    return value and [row["name"] for row in value]


def test_an_import_fills_the_table_and_comes_back_to_it(
    client: Client, letter: LetterOfIntent
) -> None:
    content = "Nom et prénom;Profession;Âge\nFabre;Médecin;41\nRoux;Infirmière;39\n"
    response = send(client, letter, content, mode="add")

    step = reverse("letters:step", args=[letter.public_id, "team"])
    assert (response.status_code, response.url) == (302, f"{step}#champ-team")
    text = pages.text_of(client.get(step)).replace("\u00a0", " ")
    assert "2 lignes importées. Colonnes ignorées : « Âge »." in text
    assert team(letter) == ["Fabre", "Roux"]


def test_an_empty_cell_that_the_deposit_will_ask_for_is_named(
    client: Client, letter: LetterOfIntent
) -> None:
    send(client, letter, "Nom et prénom;Profession\nFabre;\n;\n;Infirmière\n")

    step = reverse("letters:step", args=[letter.public_id, "team"])
    text = pages.text_of(client.get(step)).replace("\u00a0", " ")
    assert (
        "2 lignes importées. Cellules vides, à remplir avant le dépôt : "
        "ligne 2, colonne « Profession » ; ligne 4, colonne « Nom et prénom »." in text
    )
    assert team(letter) == ["Fabre", ""]


def test_nothing_is_imported_when_a_line_is_wrong(client: Client, letter: LetterOfIntent) -> None:
    response = send(client, letter, f"Nom et prénom\nFabre\n{'x' * 200}\n")

    assert response.status_code == 422
    text = pages.text_of(response).replace("\u00a0", " ")
    assert "Ligne 3 : colonne « Nom et prénom » compte 200 caractères" in text
    assert "Importer les lignes correctes" in text
    assert team(letter) is None


def test_a_cell_of_twenty_thousand_characters_is_named_and_the_table_stays(
    client: Client, letter: LetterOfIntent
) -> None:
    send(client, letter, "Nom et prénom\nDéjà là\n")

    response = send(client, letter, f"Nom et prénom\nFabre\n{'é' * 20_000}\n", mode="replace")

    assert response.status_code == 422
    text = pages.text_of(response).replace("\u00a0", " ")
    assert "Ligne 3 : colonne « Nom et prénom » compte 20 000 caractères" in text
    assert team(letter) == ["Déjà là"]


def test_the_right_lines_are_imported_when_asked(client: Client, letter: LetterOfIntent) -> None:
    response = send(client, letter, f"Nom et prénom\nFabre\n{'x' * 200}\n", partial="1")

    assert response.status_code == 302
    assert team(letter) == ["Fabre"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "Le fichier est vide"),
        ("Nom et prénom\n" + "x\n" * 500, "la limite est de 200"),
        (b"MZ\x90\x00\x03\x00", "n’est pas un tableau"),
    ],
)
def test_a_refused_file_changes_nothing(
    client: Client, letter: LetterOfIntent, content: str | bytes, words: str
) -> None:
    Answer.objects.create(
        case=letter, key="team", value=[member("Déjà là")], updated_by=letter.created_by
    )

    response = send(client, letter, content, mode="replace")

    assert response.status_code == 422
    assert words in pages.text_of(response)
    assert team(letter) == ["Déjà là"]


def test_no_file_at_all_is_said(client: Client, letter: LetterOfIntent) -> None:
    response = client.post(page(letter), {"mode": "add"})

    assert response.status_code == 422
    assert "Aucun fichier n’a été reçu" in pages.text_of(response)


@pytest.mark.parametrize("extension", ["csv", "xlsx"])
def test_a_table_is_exported_under_the_name_of_the_cpts(
    client: Client, letter: LetterOfIntent, extension: str
) -> None:
    send(client, letter, "Nom et prénom\n=1+1\n")

    response = client.get(page(letter, "export", "team", extension))

    assert response.status_code == 200
    assert response["Content-Disposition"].startswith('attachment; filename="cpts-dessai')
    assert response["Cache-Control"] == "private, no-store"
    assert response["X-Content-Type-Options"] == "nosniff"
    again = send(client, letter, response.content, mode="replace")
    assert (again.status_code, team(letter)) == (302, ["=1+1"])


@pytest.mark.parametrize(
    ("field", "extension"), [("title", "csv"), ("inconnu", "csv"), ("team", "exe")]
)
def test_what_is_no_table_is_not_found(
    client: Client, letter: LetterOfIntent, field: str, extension: str
) -> None:
    assert client.get(page(letter, "export", field, extension)).status_code == 404


def test_others_neither_export_nor_import(letter: LetterOfIntent) -> None:
    stranger, reader = Client(), Client()
    stranger.force_login(factories.user())
    reader.force_login(factories.team_member(letter.community, role="reader").user)

    assert stranger.get(page(letter, "export", "team", "csv")).status_code == 404
    assert send(stranger, letter, "Nom et prénom\nFabre\n").status_code == 404
    assert reader.get(page(letter, "export", "team", "csv")).status_code == 200
    assert send(reader, letter, "Nom et prénom\nFabre\n").status_code == 403
    assert team(letter) is None


def test_the_button_of_a_step_saves_before_it_leads_to_the_import(
    client: Client, letter: LetterOfIntent
) -> None:
    step = reverse("letters:step", args=[letter.public_id, "team"])
    post = pages.read(client.get(step)).post

    response = client.post(step, {**post, "f-team-0-name": "Fabre", "then": "import:team"})

    assert response.url == page(letter)
    assert team(letter) == ["Fabre"]
