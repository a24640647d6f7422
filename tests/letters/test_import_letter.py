"""A letter from a JSON file: all of it or nothing, and what is wrong in words."""

import copy
import io
import json
import re
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from jsonschema import Draft202012Validator

from accounts import organisation_files
from accounts.models import User
from communities.models import Community, TeamMember
from devstack.paths import PROJECT
from documents.models import Attachment, OfficialDocument
from letters.json_import import Imported, ImportRefusedError, import_file, import_letter
from letters.json_schema import SCHEMA_FILE, faults, letter_schema, schema_text
from letters.models import LetterOfIntent
from outbox.models import Mail
from procedures import registry
from tests import factories
from tests.documents.pdf import page_texts, squeezed
from tests.letters import cases
from tests.mailbox import link_in, mails
from workflow.official import read_document
from writing.documents import documents_of

SCENARIOS = PROJECT / "fixtures" / "scenarios"
NAMES = ["erdre-et-cens", "noyonnais-grand-roye", "pays-de-lumbres", "tarn-ouest"]

pytestmark = pytest.mark.django_db


def scenario(name: str) -> dict[str, Any]:
    return json.loads((SCENARIOS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture
def organisations() -> None:
    """The real offices, agencies and Guichet."""
    organisation_files.load(organisation_files.default_folder(), report=lambda _line: None)


def small(**changes: Any) -> dict[str, Any]:
    """The shortest letter that can be imported, in the national form."""
    return {
        "region": "84",
        "owner": {"email": "ines.morel@exemple.test", "first_name": "Inès", "last_name": "Morel"},
        "answers": {"title": "CPTS d’essai"},
        **changes,
    }


def imported(data: dict[str, Any], folder: Path = SCENARIOS, **options: Any) -> Imported:
    cases.reference_rows()
    return import_letter(data, folder=folder, **options)


def refused(data: Any, folder: Path = SCENARIOS, **options: Any) -> list[str]:
    """The reasons of a refusal, ordinary spaces put back, nothing having been written."""
    cases.reference_rows()
    before = rows()
    with pytest.raises(ImportRefusedError) as refusal:
        import_letter(data, folder=folder, **options)
    assert rows() == before
    return [line.replace("\u00a0", " ") for line in refusal.value.problems]


def rows() -> dict[str, int]:
    models = (User, Community, LetterOfIntent, Attachment, OfficialDocument, Mail)
    return {model.__name__: model.objects.count() for model in models}


# --- The four scenarios ----------------------------------------------------------------------


# Of each scenario: its desk, its leading département, its documents and its communes.
DESKS = {
    "erdre-et-cens": ("ars-pays-de-la-loire", "44", ["letter", "receipt"], 3),
    "noyonnais-grand-roye": ("ars-hauts-de-france-60", "60", ["letter", "receipt", "paper"], 104),
    "pays-de-lumbres": ("ars-hauts-de-france-62", "62", ["letter", "receipt", "paper"], 36),
    "tarn-ouest": ("guichet-cpts-occitanie", "81", ["letter", "receipt"], 50),
}


@pytest.mark.parametrize("name", NAMES)
def test_scenario_deposited_gives_documents_that_hold_every_answer_and_commune(
    name, organisations, deliver_outbox
):
    data = scenario(name)
    letter = import_file(SCENARIOS / f"{name}.json", deposit=True).letter
    deliver_outbox()

    links = documents_of(letter)
    text = paper_text(read_document(links[0].document))
    said = said_in(data["answers"])
    communes = list(letter.community.territory.communes.all())
    words = [*said, *(commune.name for commune in communes)]
    assert [word for word in words if squeezed(word) not in text] == []
    assert [commune.code for commune in communes if commune.code not in text] == []
    assert len(said) > 40
    assert (
        letter.office.code,
        letter.department_codes[0],
        [link.kind for link in links],
        letter.commune_count,
    ) == DESKS[name]


def paper_text(pdf: bytes) -> str:
    """The text without what each page adds: the foot of a page may cut an answer in two."""
    pages = [
        re.sub(r"(LI-\S+ · [^\r\n]*)?\s*page \d+ sur \d+\s*$", "", text.strip())
        for text in page_texts(pdf)
    ]
    return squeezed(" ".join(pages))


def said_in(value: Any) -> list[str]:
    """Every text of the answers, word for word as the reader must find it."""
    if isinstance(value, dict):
        keys = [key for key in value if key not in {"row", "status", "planned", "answer"}]
        return [text for key in keys for text in said_in(value[key])]
    if isinstance(value, list):
        return [text for item in value for text in said_in(item)]
    text = str(value)
    if re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", text):
        text = "/".join(reversed(text.split("-")))
    return [part for part in text.split("\n") if part.strip()]


@pytest.mark.parametrize("name", NAMES)
def test_scenario_names_nobody_who_could_be_written_to(name):
    data = scenario(name)
    people = [data["owner"], *data["team"]]
    phone = re.sub(r"\D", "", data["answers"]["contact_phone"])

    assert [person["email"] for person in people if not person["email"].endswith(".test")] == []
    # Numbers the regulator keeps for fiction.
    assert phone[:6] in {"019900", "026191", "035301", "046571", "053649", "063998"}


# --- What an import makes ----------------------------------------------------------------------


def test_import_makes_the_cpts_its_team_its_territory_and_its_answers():
    letter = imported(
        small(
            team=[{"email": "Tom.Petit@exemple.test", "first_name": "Tom", "role": "editor"}],
            territory={
                "communes": ["69266"],
                "parts": [{"commune": "01053", "name": "Le Peloux", "population": 900}],
                "declared_population": 150000,
                "declared_population_reason": "Comptage de l’équipe.",
            },
            answers={"title": "CPTS d’essai", "contact_name": "Inès Morel", "objectives": "Un."},
        )
    ).letter
    territory = letter.community.territory

    assert {
        "name": letter.community.name,
        "state": letter.state,
        "team": set(letter.community.team_members.values_list("user__email", "role")),
        "parts": set(territory.parts.values_list("commune", "part_name", "part_population")),
        "declared": (territory.declared_population, territory.declared_population_reason),
        "answers": {
            key: value
            for key, value in letter.answers.values_list("key", "value")
            if key in {"title", "contact_name", "objectives"}
        },
    } == {
        "name": "CPTS d’essai",
        "state": "draft",
        "team": {("ines.morel@exemple.test", "owner"), ("tom.petit@exemple.test", "editor")},
        "parts": {("69266", "", None), ("01053", "Le Peloux", 900)},
        "declared": (150000, "Comptage de l’équipe."),
        "answers": {
            "title": "CPTS d’essai",
            "contact_name": "Inès Morel",
            "objectives": "Un.",
        },
    }


def test_new_people_have_no_password_and_known_ones_are_left_as_they_are():
    known = factories.user("tom.petit@exemple.test", first_name="Thomas")
    result = imported(
        small(team=[{"email": "tom.petit@exemple.test", "first_name": "Tom", "role": "reader"}])
    )
    known.refresh_from_db()

    assert (
        [person.email for person in result.new_people],
        result.new_people[0].has_usable_password(),
        known.first_name,
    ) == (["ines.morel@exemple.test"], False, "Thomas")


def test_owner_given_on_the_command_line_takes_the_place_of_the_file_s():
    owner = factories.user("autre@exemple.test")

    letter = imported(small(), owner_email="Autre@exemple.test").letter

    assert list(letter.community.team_members.values_list("user", "role")) == [
        (owner.pk, TeamMember.Role.OWNER)
    ]


def test_importing_twice_is_refused_unless_forced():
    imported(small())

    assert refused(small()) == [
        (
            "« CPTS d’essai » existe déjà en Auvergne-Rhône-Alpes pour ines.morel@exemple.test. "
            "Rien n’a été importé. Pour en créer une seconde du même nom, ajoutez --force."
        )
    ]
    imported(small(), force=True)
    assert Community.objects.filter(name="CPTS d’essai").count() == 2


# --- What is refused, and how it is said ----------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"region": "3"}, "region : « 3 » n’a pas la forme attendue (^[0-9]{2}$)."),
        ({"region": "99"}, "region : aucune région dotée d’une ARS n’a le code « 99 »."),
        ({"answers": {}}, "answers : il manque « title »."),
        ({"answers": {"title": ""}}, "answers.title : ce texte ne peut pas être vide."),
        (
            {"answers": {"title": "A", "colour": "bleu"}},
            "answers.colour : cette clé n’existe pas ici.",
        ),
        ({"answers": {"title": "A", "objectives": 12}}, "answers.objectives : il faut un texte."),
        (
            {"answers": {"title": "A", "objectives": "é" * 20_000}},
            "answers.objectives : 20000 caractères ; la limite est de 5000.",
        ),
        ({"colour": "bleu"}, "colour : cette clé n’existe pas ici."),
        (
            {"territory": {"communes": ["1"]}},
            "territory.communes[0] : « 1 » n’a pas la forme attendue (^([0-9]{2}|2[AB])[0-9]{3}$).",
        ),
        (
            {"territory": {"communes": ["69266", "69266"]}},
            'territory.communes : le même élément y est deux fois : "69266".',
        ),
        (
            {"territory": {"parts": [{"commune": "69266", "name": "x", "population": -1}]}},
            "territory.parts[0].population : -1 n’est pas possible : il faut au moins 0.",
        ),
        (
            {"team": [{"email": "a@exemple.test", "role": "chef"}]},
            (
                "team[0].role : « chef » n’est pas possible ici. Valeurs acceptées : « owner », "
                "« editor », « reader »."
            ),
        ),
        (
            {"team": [{"email": "adresse", "role": "editor"}]},
            "team[0].email : « adresse » n’est pas une adresse électronique.",
        ),
        (
            {"team": [{"email": "ines.morel@exemple.test", "role": "editor"}]},
            "team[0] : ines.morel@exemple.test y est déjà.",
        ),
        (
            {"attachments": [{"slot": "cerfa", "file": "x.pdf"}]},
            (
                "attachments[0].slot : « cerfa » n’est pas possible ici. Valeurs acceptées : "
                "« map », « diagnosis », « other »."
            ),
        ),
        (
            {"attachments": [{"slot": "map", "file": "absent.pdf"}]},
            "attachments[0].file : il n’y a pas de fichier « absent.pdf ».",
        ),
        (
            {"attachments": [{"slot": "map", "file": "../../pyproject.toml"}]},
            "attachments[0].file : le fichier doit être dans le dossier du JSON ou au-dessous.",
        ),
        (
            {"answers": {"title": "A", "missions": [{"row": "cooking", "planned": "yes"}]}},
            (
                "answers.missions[0] : « row » doit être l’une de : attending_physician, "
                "unscheduled_care, care_pathways, prevention, health_crisis, quality_relevance, "
                "professional_support, other."
            ),
        ),
        (
            {"answers": {"title": "A", "missions": [{"row": "prevention", "planned": True}]}},
            (
                "answers.missions[0].planned : « true » n’est pas possible ici. "
                "Valeurs acceptées : « yes », « no », vide."
            ),
        ),
    ],
)
def test_wrong_file_is_refused_in_words(change, sentence):
    assert refused(small(**change)) == [sentence]


def test_file_without_an_owner_is_refused():
    data = small()
    del data["owner"]

    assert refused(data) == [
        (
            "owner : il manque le responsable de la CPTS. Ajoutez-le au fichier ou donnez son "
            "adresse avec --owner."
        )
    ]


def test_unknown_communes_and_wrong_files_are_all_told_at_once(tmp_path):
    (tmp_path / "carte.pdf").write_bytes(b"MZ\x90\x00 a program")
    data = small(
        territory={"communes": ["69999"], "intercommunalities": ["000000000"]},
        attachments=[{"slot": "map", "file": "carte.pdf"}],
    )

    problems = refused(data, tmp_path)

    assert [line.split(" :")[0] for line in problems] == [
        "territory.communes",
        "territory.intercommunalities[0]",
        "attachments[0]",
    ]


def test_files_stored_before_a_refusal_are_taken_back(tmp_path, media_root):
    (tmp_path / "carte.pdf").write_bytes(
        (SCENARIOS / "pieces/cerfa-demonstration.pdf").read_bytes()
    )
    data = small(attachments=[{"slot": "map", "file": "carte.pdf"}])

    refused(data, tmp_path, deposit=True)

    assert [path for path in media_root.rglob("*") if path.is_file()] == []


def test_incomplete_letter_is_not_deposited_and_says_what_is_missing(organisations):
    data = scenario("pays-de-lumbres")
    del data["answers"]["objectives"]
    data["answers"]["contact_phone"] = "12"

    problems = refused(data, deposit=True)

    assert [line.split(" :")[0] for line in problems] == [
        "answers.contact_phone",
        "answers.objectives",
    ]


def test_deposit_without_commitment_or_signature_is_refused(organisations):
    data = scenario("pays-de-lumbres")
    data["signature"]["commits_to_missions"] = False
    uncommitted = refused(data, deposit=True)
    del data["signature"]

    assert [line.split(" :")[0] for line in uncommitted] == ["signature"]
    assert refused(data, deposit=True) == [
        "signature : pour déposer, il faut l’engagement, le nom du signataire et le lieu."
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"{", "lettre.json n’est pas du JSON lisible ligne 1, colonne 2."),
        (b"\xff\xfe", "lettre.json n’est pas un texte UTF-8 (octet 0)."),
        (b"[" * 100_000, "lettre.json n’est pas du JSON lisible."),
        (b"[]", "le fichier : il faut un objet."),
    ],
)
def test_unreadable_file_is_refused_in_words(tmp_path, content, sentence):
    path = tmp_path / "lettre.json"
    path.write_bytes(content)

    with pytest.raises(ImportRefusedError) as refusal:
        import_file(path)

    assert [line.replace("\u00a0", " ") for line in refusal.value.problems] == [sentence]


def test_absent_file_is_refused_in_words(tmp_path):
    with pytest.raises(ImportRefusedError, match="Il n’y a pas de fichier"):
        import_file(tmp_path / "absent.json")


# --- The command ---------------------------------------------------------------------------------


def test_command_prints_the_reference_and_the_paths_of_the_documents(organisations):
    output = io.StringIO()

    call_command("import_letter", SCENARIOS / "erdre-et-cens.json", "--deposit", stdout=output)

    letter = LetterOfIntent.objects.get()
    printed = output.getvalue()
    paths = [Path(link.document.file.path) for link in documents_of(letter)]
    assert (
        len(paths),
        all(str(path) in printed and path.read_bytes()[:5] == b"%PDF-" for path in paths),
        str(letter.reference) in printed,
        Mail.objects.filter(sent_at__isnull=True).count(),
    ) == (2, True, True, 0)


def test_command_leaves_a_draft_and_lists_what_is_missing(tmp_path):
    cases.reference_rows()
    path = tmp_path / "lettre.json"
    path.write_text(json.dumps(small()), encoding="utf-8")
    output = io.StringIO()

    call_command("import_letter", path, stdout=output)

    printed = output.getvalue().replace("\u00a0", " ")
    assert "Compte créé, sans mot de passe : ines.morel@exemple.test" in printed
    assert "Ajoutez au moins une commune au territoire." in printed


def test_command_fails_with_every_reason(tmp_path):
    path = tmp_path / "lettre.json"
    path.write_text(json.dumps(small(colour="bleu", shape="rond")), encoding="utf-8")

    with pytest.raises(CommandError) as failure:
        call_command("import_letter", path)

    assert str(failure.value).replace("\u00a0", " ") == (
        "Rien n’a été importé.\n"
        "  - colour : cette clé n’existe pas ici.\n"
        "  - shape : cette clé n’existe pas ici."
    )


# --- The published schema ---------------------------------------------------------------------


def test_published_schema_is_the_code_s_and_is_a_schema():
    Draft202012Validator.check_schema(json.loads(schema_text()))

    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text()
    call_command("document_import", "--check", stdout=io.StringIO())


def test_the_schema_holds_every_version_and_a_letter_follows_one_of_them():
    first = registry.current("occitanie")
    section = first.sections[0]
    title, dropped, *others = section.fields
    fields = (title, *others, replace(title, key="short_title"))
    second = replace(
        first,
        version=2,
        valid_from=date(2099, 1, 1),
        sections=(replace(section, fields=fields), *first.sections[1:]),
    )
    schema = letter_schema([first, second, registry.current("national")])

    assert list(schema["$defs"]) == ["occitanie-1", "occitanie-2", "national-1"]
    follows = Draft202012Validator(schema).is_valid
    of_the_first, of_the_second = {dropped.key: ""}, {"short_title": "CPTS"}
    assert [
        follows({"region": "76", "answers": {"title": "CPTS"} | answers})
        for answers in (of_the_first, of_the_second, of_the_first | of_the_second)
    ] == [True, True, False]


@pytest.mark.parametrize("name", NAMES)
def test_scenarios_follow_the_schema(name):
    assert faults(scenario(name)) == []


def test_a_list_of_faults_stops_somewhere():
    data = copy.deepcopy(small()) | {f"clé{number:03}": 1 for number in range(80)}

    found = faults(data)

    assert (len(found), found[-1]) == (51, "… et 30 autre(s) erreur(s).")


def test_person_made_by_an_import_chooses_a_password_confirms_and_gets_in(client):
    imported(small())
    address = "ines.morel@exemple.test"
    sign_in = {"login": address, "password": factories.PASSWORD}

    client.post(reverse("account_reset_password"), {"email": address})
    form = client.get(link_in(mails(address)[-1]), follow=True).request["PATH_INFO"]
    client.post(form, {"password1": factories.PASSWORD, "password2": factories.PASSWORD})
    client.post(reverse("account_login"), sign_in)
    client.post(link_in(mails(address)[-1]))
    client.post(reverse("account_login"), sign_in)

    assert client.get(reverse("desks:home")).status_code == 200
