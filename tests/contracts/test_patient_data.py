"""Patient data seen in a file before it is kept: numbers, columns, and what is not patient data."""

import io
import zipfile
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.dialogue.patient_data import (
    CSV,
    PDF,
    Finding,
    PatientDataError,
    Reading,
    check,
    holds_nir,
    inspect,
    nir_key,
)
from cpts_portal.spreadsheets import xlsx_bytes
from tests.documents.pdf import pdf_saying

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
# A number of nobody: a man born in month 99 of a département that is none.
BODY = "1849999999999"
NIR = f"{BODY}{nir_key(BODY):02d}"

departments = st.one_of(
    st.integers(1, 99).map(lambda one: f"{one:02d}"), st.sampled_from(["2A", "2B"])
)
bodies = st.builds(
    "{}{:02d}{:02d}{}{:03d}{:03d}".format,
    st.sampled_from([1, 2]),
    st.integers(0, 99),
    st.integers(1, 12),
    departments,
    st.integers(0, 999),
    st.integers(0, 999),
)


def grouped(number: str, separator: str) -> str:
    cuts = (0, 1, 3, 5, 7, 10, 13, 15)
    return separator.join(number[a:b] for a, b in pairwise(cuts))


@given(bodies, st.sampled_from(["", " ", ".", "\u00a0"]))
def test_a_number_is_seen_however_it_is_parted_and_only_with_its_own_key(
    body: str, separator: str
) -> None:
    key = nir_key(body)
    assert 1 <= key <= 97
    assert holds_nir(f"Assuré {grouped(f'{body}{key:02d}', separator)}.")
    for other in {key % 97 + 1, (key + 40) % 97 + 1} - {key}:
        assert not holds_nir(grouped(f"{body}{other:02d}", separator))


@given(st.text(alphabet="0123456789", min_size=1, max_size=14))
def test_shorter_numbers_are_no_number_of_a_person(digits: str) -> None:
    assert not holds_nir(digits)


@pytest.mark.parametrize(
    "text",
    [
        "FR76 3000 6000 0112 3456 7890 189",
        "10000000018",
        "SIRET 13000548100010",
        "1" * 40,
        f"A{NIR}",
        "",
    ],
)
def test_other_numbers_of_the_field_are_let_through(text: str) -> None:
    assert not holds_nir(text)


def csv_of(*lines: str) -> bytes:
    return "\n".join(lines).encode("cp1252")


@pytest.mark.parametrize(
    ("content", "kind", "findings"),
    [
        (
            csv_of("Nom;Action", f"X;{NIR}"),
            CSV,
            [Finding("un numéro de sécurité sociale, ligne 2", is_certain=True)],
        ),
        (
            csv_of("Nom de famille;Prénom;Né(e) le"),
            CSV,
            [
                Finding("une colonne de dates de naissance", is_certain=False),
                Finding("une colonne de noms et une de prénoms", is_certain=False),
            ],
        ),
        (
            csv_of("N° de sécurité sociale;Acte"),
            CSV,
            [Finding("une colonne de numéros de sécurité sociale", is_certain=False)],
        ),
        (csv_of("Action;Nombre de patients;Taux", "Dépistage;120;66,3"), CSV, []),
        (csv_of("Nom de l’action;Date", "Juin vert;01/06/2024"), CSV, []),
        (
            xlsx_bytes("Feuille", ["Patient", "Date"], [["A", "B"]]),
            XLSX,
            [Finding("une colonne de patients", is_certain=False)],
        ),
        (
            xlsx_bytes("Feuille", ["Code"], [[grouped(NIR, " ")]]),
            XLSX,
            [Finding("un numéro de sécurité sociale, feuille 1", is_certain=True)],
        ),
        (
            pdf_saying(["Liste", f"Assuré {NIR}"]),
            PDF,
            [Finding("un numéro de sécurité sociale, page 1", is_certain=True)],
        ),
    ],
)
def test_what_a_file_shows_is_said_without_its_values(
    content: bytes, kind: str, findings: list[Finding]
) -> None:
    assert list(inspect(content, kind).findings) == findings


def test_a_number_on_the_second_sheet_or_kept_as_a_float_is_seen_too() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", "<row><c><v>12</v></c></row>")
        kept = f"{int(NIR) / 1e14!r}E+14"
        archive.writestr("xl/worksheets/sheet2.xml", f"<row><c><v>{kept}</v></c></row>")
    assert inspect(out.getvalue(), XLSX) == Reading(
        (Finding("un numéro de sécurité sociale, feuille 2", is_certain=True),)
    )


def test_runs_of_a_word_document_are_read_together() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        runs = f"<w:r><w:t>{NIR[:6]}</w:t></w:r><w:r><w:t>{NIR[6:]}</w:t></w:r>"
        frame = "<w:p>a<w:p>b</w:p>"
        archive.writestr("word/document.xml", f"{frame}{runs}</w:p>")
    assert inspect(out.getvalue(), DOCX).is_refused


def test_a_file_made_to_waste_time_is_read_at_once() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", "<si>" * 500_000 + "<si<v" * 500_000)
    assert inspect(out.getvalue(), XLSX) == Reading()
    assert inspect(b"a;" * 1_000_000, CSV) == Reading()


def test_a_printed_list_of_patients_is_doubted() -> None:
    content = pdf_saying(["Nom Prénom Date de naissance Acte", "A B 01/01/1950 x"])
    assert inspect(content, PDF).findings == (
        Finding("une liste de noms et de dates de naissance", is_certain=False),
    )


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"\x89PNG", "image/png"), (b"PK\x03\x04broken", XLSX), (b"%PDF-broken", PDF)],
)
def test_what_cannot_be_read_is_said_so(content: bytes, kind: str) -> None:
    assert inspect(content, kind) == Reading((), is_read=False)


def test_a_number_is_never_accepted_and_a_list_of_professionals_is_confirmed() -> None:
    number = csv_of("Action", NIR)
    with pytest.raises(PatientDataError, match="Aucune donnée de patient") as refused:
        check("suivi.csv", number, CSV, is_confirmed=True)
    assert (refused.value.may_confirm, NIR in refused.value.message) == (False, False)
    people = csv_of("Nom;Prénom;Profession")
    with pytest.raises(PatientDataError, match="cochez la case") as doubted:
        check("présents.csv", people, CSV, is_confirmed=False)
    assert doubted.value.may_confirm
    assert check("présents.csv", people, CSV, is_confirmed=True).needs_confirmation
