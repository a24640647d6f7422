"""A wrong file is refused with the file, the line or the key, and the reason."""

import csv
import re
import subprocess
import sys
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings

from procedures import registry
from procedures.loader import ProcedureFilesError
from procedures.registry import UnknownProcedureError, load
from procedures.schema import ProcedureKind
from tests.procedures.small import SMALL, write, write_project

FIELD = "sections[1] « identity » › fields[{rank}] « {key} »"
TITLE = FIELD.format(rank=1, key="title")
STAGE = FIELD.format(rank=7, key="stage")
TEAM = FIELD.format(rank=8, key="team")
MISSIONS = FIELD.format(rank=9, key="missions")


def faults_of(folder: Path) -> list[str]:
    """The faults of a folder, with ordinary spaces."""
    with pytest.raises(ProcedureFilesError) as caught:
        load(folder)
    return [fault.replace("\u00a0", " ") for fault in caught.value.faults]


def test_a_valid_file_is_read_whole(tmp_path):
    write(tmp_path)
    (procedure,) = load(tmp_path).procedures
    assert (procedure.key, procedure.version, procedure.valid_from) == (
        "essai",
        1,
        date(2026, 1, 1),
    )
    assert [field.key for field in procedure.answer_fields] == [
        "title",
        "contact_name",
        "contact_profession",
        "contact_address",
        "contact_email",
        "contact_phone",
        "stage",
        "team",
        "missions",
    ]


BAD_FILES = [
    pytest.param(
        ('kind = "text"\nlabel = "Intitulé"', 'kind = "txt"\nlabel = "Intitulé"'),
        f"{TITLE} › clé « kind » : genre de champ inconnu « txt » (connus : text, paragraph, "
        "date, month, number, email, phone, choice, structure, table, territory, population, "
        "size_class, attachment, signature, legal_entity, action_sheets, members).",
        id="unknown field kind",
    ),
    pytest.param(
        ("max_length = 200", "max_lenght = 200"),
        f"{TITLE} › clé « max_lenght » : clé inconnue ici. Vouliez-vous « max_length » ?",
        id="typo in a key",
    ),
    pytest.param(
        ('issuer = "ARS"', 'issuer = "ARS"\nlogo = "ars.png"'),
        "[document] › clé « logo » : clé inconnue ici.",
        id="unknown key in a table",
    ),
    pytest.param(
        ('reference_prefix = "LI"', 'reference_prefix = "LI"\nregion = "76"'),
        "clé « region » : clé inconnue ici. Vouliez-vous « region_code » ?",
        id="unknown key at the top",
    ),
    pytest.param(
        ('key = "contact_name"', 'key = "title"'),
        "clé « sections » : champ « title » en double.",
        id="duplicate field key",
    ),
    pytest.param(
        ('key = "territory"\ntitle', 'key = "identity"\ntitle'),
        "clé « sections » : section « identity » en double.",
        id="duplicate section key",
    ),
    pytest.param(
        ('label = "Intitulé"\n', ""),
        f"{TITLE} › clé « label » : il manque cette clé (texte attendu).",
        id="required without label",
    ),
    pytest.param(
        ('label = "Intitulé"', 'label = "  "'),
        f"{TITLE} › clé « label » : le texte est vide.",
        id="blank label",
    ),
    pytest.param(
        ('kind = "ars_branch"', 'kind = "prefecture"'),
        "[addressee] › clé « kind » : organisme inconnu « prefecture » (connus : ars, "
        "ars_branch, one_stop_desk).",
        id="unknown body",
    ),
    pytest.param(
        ("[size_rule]", '[[informed]]\nkind = "mairie"\nlabel = "Mairie"\n\n[size_rule]'),
        "informed[1] « mairie » › clé « kind » : organisme inconnu « mairie » (connus : ars, "
        "ars_branch, one_stop_desk).",
        id="unknown informed body",
    ),
    pytest.param(
        ("required = true", 'required = "oui"'),
        f"{TITLE} › clé « required » : true ou false attendu, pas un texte.",
        id="wrong type",
    ),
    pytest.param(
        ("version = 1", "version = true"),
        "clé « version » : nombre entier attendu, pas true ou false.",
        id="a boolean is no number",
    ),
    pytest.param(
        ("valid_from = 2026-01-01", 'valid_from = "2026-01-01"'),
        "clé « valid_from » : date (AAAA-MM-JJ) attendu, pas un texte.",
        id="a text is no date",
    ),
    pytest.param(
        ('{ key = "other", label = "Autres", free', '{ key = "prevention", label = "Autres", free'),
        f"{MISSIONS} › clé « fixed_rows » : ligne « prevention » en double.",
        id="duplicate fixed row",
    ),
    pytest.param(
        ('key = "since"', 'key = "name"'),
        f"{TEAM} › clé « columns » : colonne « name » en double.",
        id="duplicate column",
    ),
    pytest.param(
        ('key = "since", kind = "month"', 'key = "since", kind = "mois"'),
        f"{TEAM} › columns[2] « since » › clé « kind » : genre de colonne inconnu « mois » "
        "(connus : text, paragraph, number, yes_no, month, email, phone, choice).",
        id="unknown column kind",
    ),
    pytest.param(
        ('key = "name", kind', 'key = "row", kind'),
        f"{TEAM} › columns[1] « row » › clé « key » : « row » est réservé : choisissez une "
        "autre clé.",
        id="reserved column key",
    ),
    pytest.param(
        ('required_if = "planned"', 'required_if = "details"'),
        f"{MISSIONS} › clé « required_if » : la colonne « details » demande une autre colonne de "
        "genre « yes_no », « details » n’en est pas une.",
        id="a condition on the wrong column",
    ),
    pytest.param(
        ('rows_label = "Mission"\n', ""),
        f"{MISSIONS} › clé « rows_label » : « rows_label » va avec « fixed_rows » : l’un sans "
        "l’autre.",
        id="fixed rows without a heading",
    ),
    pytest.param(
        ("free_label = true", 'free_label = true, columns = ["size"]'),
        f"{MISSIONS} : la ligne « other » cite une colonne inconnue « size ».",
        id="a fixed row names an unknown column",
    ),
    pytest.param(
        (
            (
                'options = [\n  { key = "idea", label = "Une idée" },\n'
                '  { key = "team", label = "Une équipe" },\n]\n'
            ),
            "",
        ),
        f"{STAGE} › clé « options » : un choix demande au moins deux options.",
        id="choice without options",
    ),
    pytest.param(
        ('{ key = "team", label = "Une équipe" }', '{ key = "idea", label = "Une équipe" }'),
        f"{STAGE} › clé « options » : l’option « idea » y est deux fois.",
        id="duplicate option",
    ),
    pytest.param(
        ("max_length = 200", "max_length = 0"),
        f"{TITLE} › clé « max_length » : 0 est hors limites : de 1 à 100000.",
        id="a length of zero",
    ),
    pytest.param(
        ("max_rows = 3", "max_rows = 5000"),
        f"{TEAM} › clé « max_rows » : 5000 est hors limites : de 1 à 1000.",
        id="too many rows",
    ),
    pytest.param(
        ("[40000, 80000, 175000]", "[80000, 40000, 175000]"),
        "[size_rule] › clé « thresholds » : trois nombres entiers croissants attendus.",
        id="bounds out of order",
    ),
    pytest.param(
        ('label = "Intitulé"', 'label = "Intitulé"\nsource = ["hdf.titre"]'),
        f"{TITLE} › clé « source » : champ de source inconnu « hdf.titre ».",
        id="unknown source",
    ),
    pytest.param(
        ('accept = ["pdf"]', 'accept = ["pdf", "exe"]'),
        "attachments[1] « map » › clé « accept » : format de fichier inconnu « exe » (connus : "
        "pdf, jpeg, png, docx, xlsx, odt, ods).",
        id="unknown file format",
    ),
    pytest.param(
        ('accept = ["pdf"]', 'accept = ["pdf"]\ndeferrable = true'),
        "attachments[1] « map » › clé « deferrable » : seule une pièce obligatoire peut être "
        "« à venir ».",
        id="optional and deferrable",
    ),
    pytest.param(
        ('[[sections.fields]]\nkey = "map"\nkind = "attachment"\n', ""),
        "la pièce « map » n’a pas de place dans le formulaire.",
        id="a slot without a place",
    ),
    pytest.param(
        ('key = "map"\nkind = "attachment"', 'key = "plan"\nkind = "attachment"'),
        "sections[2] « territory » › fields[4] « plan » › clé « key » : aucune pièce « plan » "
        "dans [[attachments]].",
        id="a place without a slot",
    ),
    pytest.param(
        ('kind = "email"', 'kind = "text"'),
        "il manque le champ « contact_email », de genre « email » : le portail en a besoin.",
        id="a needed field of another kind",
    ),
    pytest.param(
        ("Rejet le {silence_date}.", "Rejet le {date_du_silence}."),
        "[receipt] › clé « silence » : {date_du_silence} est inconnu (connus : {community}, "
        "{deposited_on}, {deposited_time}, {office}, {office_contact}, {reference}, "
        "{silence_date}, {title}).",
        id="unknown placeholder",
    ),
    pytest.param(
        ("Rejet le {silence_date}.", "Rejet dans deux mois."),
        "[receipt] : aucun texte ne contient {silence_date}, que la loi demande.",
        id="a mention the law asks is missing",
    ),
    pytest.param(
        ("Rejet le {silence_date}.", "Rejet le {silence_date."),
        "[receipt] › clé « silence » : accolade ouverte et jamais fermée, ou l’inverse.",
        id="open brace",
    ),
    pytest.param(
        ('region_code = ""', 'region_code = "Bretagne"'),
        "clé « region_code » : « Bretagne » n’est pas un code INSEE de région.",
        id="not a region code",
    ),
    pytest.param(
        ("version = 1", "version = 2"),
        "d’après ses clés « key » et « version », le fichier s’appelle essai-2.toml.",
        id="name and version disagree",
    ),
]


@pytest.mark.parametrize(("change", "expected"), BAD_FILES)
def test_a_bad_file_is_refused_with_its_key_and_reason(tmp_path, change, expected):
    write(tmp_path, change)
    assert f"essai-1.toml : {expected}" in faults_of(tmp_path)


def test_an_unknown_kind_is_the_only_fault_told_of_its_field(tmp_path):
    write(tmp_path, ('kind = "table"\nlabel = "Équipe"', 'kind = "tableau"\nlabel = "Équipe"'))
    assert [re.sub(r" \(.*", "", fault) for fault in faults_of(tmp_path)] == [
        f"essai-1.toml : {TEAM} › clé « kind » : genre de champ inconnu « tableau »"
    ]


def test_every_fault_of_a_file_is_told_at_once(tmp_path):
    write(tmp_path, ("max_length = 200", "max_length = 0"), ('label = "Nom"\n', ""))
    assert len(faults_of(tmp_path)) == 2


def test_a_syntax_error_is_told_with_its_line(tmp_path):
    write(tmp_path, ('label = "Essai"', "label = Essai"))
    assert faults_of(tmp_path) == [
        "essai-1.toml, ligne 3, colonne 9 : ce n’est pas du TOML valide (Invalid value)."
    ]


def test_a_key_given_twice_is_told_with_its_line(tmp_path):
    write(tmp_path, ('label = "Essai"', 'label = "Essai"\nlabel = "Encore"'))
    (fault,) = faults_of(tmp_path)
    assert fault.startswith("essai-1.toml, ligne 4, colonne 17 : ce n’est pas du TOML valide")


def test_an_unfinished_file_is_told_with_its_last_line(tmp_path):
    (tmp_path / "essai-1.toml").write_text('key = "essai"\noffices = [', encoding="utf-8")
    (fault,) = faults_of(tmp_path)
    assert fault.startswith("essai-1.toml, ligne 2 : ce n’est pas du TOML valide")


def test_a_file_in_another_encoding_is_told_with_its_line(tmp_path):
    (tmp_path / "essai-1.toml").write_bytes(SMALL.encode("latin-1", errors="replace"))
    (fault,) = faults_of(tmp_path)
    assert fault == "essai-1.toml, ligne 30 : le fichier n’est pas en UTF-8."


def test_a_key_keeps_one_meaning_in_every_file(tmp_path):
    write(tmp_path)
    write(
        tmp_path,
        ('key = "essai"', 'key = "autre"'),
        ('region_code = ""', 'region_code = "53"'),
        ('kind = "table"\nlabel = "Équipe"\nmax_rows = 3', 'kind = "table"\nlabel = "Équipe"'),
        ('key = "since", kind = "month"', 'key = "since", kind = "text"'),
        (', not_before = "since"', ""),
        name="autre-1.toml",
    )
    assert faults_of(tmp_path) == [
        (
            "essai-1.toml : champ « team › since » : de genre « month », mais « text » dans "
            "autre-1.toml ; une clé garde le même sens partout."
        )
    ]


def test_two_procedures_cannot_claim_one_region(tmp_path):
    write(tmp_path)
    write(tmp_path, ('key = "essai"', 'key = "autre"'), name="autre-1.toml")
    assert faults_of(tmp_path) == [
        "essai-1.toml : clé « region_code » : sans région, déjà prise par « autre »."
    ]


def test_a_folder_without_a_national_procedure_is_refused(tmp_path):
    write(tmp_path, ('region_code = ""', 'region_code = "53"'))
    assert faults_of(tmp_path) == [
        (
            "Il manque la procédure nationale des lettres d’intention : un fichier sans "
            "« region_code »."
        )
    ]


def test_each_kind_that_a_region_receives_has_a_national_procedure(tmp_path):
    write(tmp_path)
    write_project(tmp_path, ('region_code = ""', 'region_code = "53"'))
    assert faults_of(tmp_path) == [
        "Il manque la procédure nationale des projets de santé : un fichier sans « region_code »."
    ]


def test_a_region_has_one_procedure_of_each_kind(tmp_path):
    write(tmp_path)
    write_project(tmp_path)
    both = load(tmp_path)
    day = date(2026, 1, 1)
    assert [p.key for p in both.in_force(day)] == ["essai"]
    assert [p.key for p in both.in_force(day, ProcedureKind.HEALTH_PROJECT)] == ["projet"]
    assert both.for_region("53", day, ProcedureKind.HEALTH_PROJECT).key == "projet"


BAD_PROJECTS = [
    pytest.param(
        ('kind = "health_project"', 'kind = "project"'),
        "clé « kind » : nature de dossier inconnue « project » (connues : letter_of_intent, "
        "health_project).",
        id="unknown kind of case",
    ),
    pytest.param(
        ('missions = ["prevention"] }', 'missions = ["crisis"] }'),
        "[project] › clé « themes » : le thème « prevention » cite une mission inconnue "
        "« crisis ».",
        id="theme of an unknown mission",
    ),
    pytest.param(
        ('label = "Prévention", is_core = true', 'label = "Prévention"'),
        "[project] › clé « missions » : aucune mission n’est socle (« is_core »).",
        id="no core mission",
    ),
    pytest.param(
        ('{ key = "territory", label = "Territoire" }', '{ key = "prs", label = "Territoire" }'),
        "[project] › clé « grounds » : motif « prs » en double.",
        id="one ground twice",
    ),
    pytest.param(
        ('kind = "paragraph"\nlabel', 'kind = "paragraph"\nstarts_from = ["origin"]\nlabel'),
        "champ « contact_address » : la lettre de la région n’a pas de texte « origin » à "
        "reprendre.",
        id="opens with a text the letter does not have",
    ),
    pytest.param(
        ("minimum = 2", "minimum = 51"),
        "[project] › [sheets] › clé « minimum » : 51 est hors limites : de 0 à 50.",
        id="too many sheets",
    ),
    pytest.param(
        ('[[sections.fields]]\nkey = "members"\nkind = "members"\nlabel = "Membres"\n', ""),
        "il manque le champ « members », de genre « members » : le portail en a besoin.",
        id="no members",
    ),
]


@pytest.mark.parametrize(("change", "fault"), BAD_PROJECTS)
def test_a_wrong_project_is_refused_with_its_place_and_its_reason(tmp_path, change, fault):
    write(tmp_path)
    write_project(tmp_path, change)
    assert f"projet-1.toml : {fault}" in faults_of(tmp_path)


def test_a_letter_has_no_field_of_a_project(tmp_path):
    write(tmp_path, ('kind = "signature"', 'kind = "members"'))
    assert "essai-1.toml : « signature » n’a de sens que dans un projet de santé." in faults_of(
        tmp_path
    )


def test_what_each_region_asks_of_the_sheets():
    rules = {p.key: p.project for p in registry.all_procedures(ProcedureKind.HEALTH_PROJECT)}
    core = ["access_to_care", "care_pathways", "prevention", "health_crisis"]
    assert {
        key: (
            project.sheets.minimum,
            project.sheets.associates_structures,
            project.sheets.covers_core_missions,
            [theme.key for theme in project.themes],
            [mission.key for mission in project.core_missions],
            [ground.key for ground in project.grounds],
        )
        for key, project in rules.items()
    } == {
        key: (
            0,
            False,
            True,
            [],
            core,
            ["prs_objectives", "territory_relevance"],
        )
        for key in ("hauts-de-france-projet", "national-projet", "occitanie-projet")
    } | {
        "pays-de-la-loire-projet": (
            2,
            True,
            False,
            ["access", "unscheduled_care", "care_pathways", "prevention"],
            core,
            ["prs_objectives", "territory_relevance"],
        )
    }


def test_a_folder_where_a_wrong_file_was_left_stops_every_command(tmp_path):
    write(tmp_path, ("max_length = 200", "max_lenght = 200"))
    program = (
        "import sys; from pathlib import Path\n"
        "from procedures import registry\n"
        "registry.REGIONS_FOLDER = Path(sys.argv[1])\n"
        "from django.core.management import execute_from_command_line\n"
        "execute_from_command_line(['manage.py', 'check'])\n"
    )
    done = subprocess.run(  # noqa: S603 - our own interpreter and program
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=settings.BASE_DIR,
    )
    told = done.stderr.replace("\u00a0", " ")
    assert done.returncode == 1
    assert "Le portail ne démarre pas : une procédure régionale est à corriger.\n" in told
    assert f"- essai-1.toml : {TITLE} › clé « max_lenght » : clé inconnue ici." in told


def test_the_version_in_force_is_the_last_one_that_has_begun(tmp_path):
    write(tmp_path)
    write(
        tmp_path,
        ("version = 1", "version = 2"),
        ("2026-01-01", "2027-06-01"),
        name="essai-2.toml",
    )
    both = load(tmp_path)
    assert both.current("essai", date(2027, 5, 31)).version == 1
    assert both.current("essai", date(2027, 6, 1)).version == 2
    assert both.get("essai", 1).version == 1
    with pytest.raises(UnknownProcedureError, match="n’existe pas au 31/12/2025"):
        both.current("essai", date(2025, 12, 31))
    with pytest.raises(UnknownProcedureError, match="version 3"):
        both.get("essai", 3)


def test_a_region_keeps_the_national_procedure_until_its_own_begins(tmp_path):
    write(tmp_path, ('key = "essai"', 'key = "national"'), name="national-1.toml")
    write(
        tmp_path,
        ('key = "essai"', 'key = "bretagne"'),
        ('region_code = ""', 'region_code = "53"'),
        ("2026-01-01", "2027-06-01"),
        name="bretagne-1.toml",
    )
    both = load(tmp_path)
    eve, day = date(2027, 5, 31), date(2027, 6, 1)
    assert [both.for_region("53", on).key for on in (eve, day)] == ["national", "bretagne"]
    assert [[p.key for p in both.in_force(on)] for on in (eve, day)] == [
        ["national"],
        ["bretagne", "national"],
    ]


@pytest.mark.parametrize(
    ("region_code", "key"),
    [
        ("76", "occitanie"),
        ("32", "hauts-de-france"),
        ("52", "pays-de-la-loire"),
        ("53", "national"),
        ("01", "national"),
        ("", "national"),
    ],
)
def test_a_region_has_its_procedure_or_the_national_one(region_code, key):
    assert registry.for_region(region_code).key == key


def test_the_addressees_are_those_of_the_three_documents():
    kinds = {p.key: p.addressee.kind.value for p in registry.all_procedures()}
    assert kinds == {
        "hauts-de-france": "ars_branch",
        "hauts-de-france-projet": "ars_branch",
        "national": "ars_branch",
        "national-projet": "ars_branch",
        "occitanie": "one_stop_desk",
        "occitanie-projet": "ars",
        "pays-de-la-loire": "ars",
        "pays-de-la-loire-projet": "ars",
    }
    offices = registry.current("hauts-de-france").addressee.offices
    assert {office.department: office.address[-1] for office in offices} == {
        "02": "02016 Laon cedex",
        "59": "59777 Euralille",
        "60": "60005 Beauvais cedex",
        "62": "62016 Arras Cedex",
        "80": "80000 Amiens cedex",
    }


def test_published_addresses_are_those_of_the_organisations():
    folder = settings.BASE_DIR / "fixtures" / "organisations"
    rows = [
        row
        for path in sorted(folder.glob("*.csv"))
        for row in csv.DictReader(StringIO(path.read_text(encoding="utf-8")))
    ]
    published = [
        (procedure.region_code, procedure.addressee.kind.value, office)
        for procedure in registry.all_procedures()
        for office in procedure.addressee.offices
    ]
    assert len(published) == 13
    for region, kind, office in published:
        (row,) = [
            row
            for row in rows
            if (row["region"], row["kind"], row["department"]) == (region, kind, office.department)
        ]
        assert (row["email"], row["phone"], row["address"].split("\n")) == (
            office.email,
            office.phone,
            list(office.address) or [""],
        )


def test_only_hauts_de_france_has_a_version_to_post():
    assert [p.key for p in registry.all_procedures() if p.paper] == ["hauts-de-france"]
