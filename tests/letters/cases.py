"""Letters ready to be deposited, for tests: real communes, real offices' codes, short answers."""

from itertools import count
from typing import Any

from django.db import connection

from accounts.models import Membership, Organisation, User
from letters import services
from letters.models import LetterOfIntent
from procedures import answers as answer_rules
from procedures.schema import Column, Field
from territories.models import Commune, Department, Region
from territories.services import add_communes
from tests import factories
from workflow.models import Answer
from writing import depositing
from writing import services as writing_services
from writing.content import procedure_of

_numbers = count(1)

# Of each département, by code: its name and its région.
DEPARTMENTS = {
    "31": ("Haute-Garonne", "76"),
    "81": ("Tarn", "76"),
    "59": ("Nord", "32"),
    "62": ("Pas-de-Calais", "32"),
    "80": ("Somme", "32"),
    "44": ("Loire-Atlantique", "52"),
    "49": ("Maine-et-Loire", "52"),
    "01": ("Ain", "84"),
    "69": ("Rhône", "84"),
    "76": ("Seine-Maritime", "28"),
}
REGIONS = {
    "28": "Normandie",
    "32": "Hauts-de-France",
    "52": "Pays de la Loire",
    "76": "Occitanie",
    "84": "Auvergne-Rhône-Alpes",
}
# Of each commune: its name, and its inhabitants where the reference data is not loaded.
COMMUNES = {
    "81140": ("Lavaur", 10_700),
    "81271": ("Saint-Sulpice-la-Pointe", 9_500),
    "31149": ("Colomiers", 40_000),
    "59350": ("Lille", 238_000),
    "62041": ("Arras", 42_000),
    "80021": ("Amiens", 134_000),
    "44114": ("Orvault", 27_000),
    "49007": ("Angers", 158_000),
    "01053": ("Bourg-en-Bresse", 42_000),
    "69266": ("Villeurbanne", 160_000),
    "76217": ("Dieppe", 28_000),
}


def reference_rows() -> None:
    """The few régions, départements, communes and bodies these tests need, if they are missing."""
    Region.objects.bulk_create(
        [Region(code=code, name=name) for code, name in REGIONS.items()], ignore_conflicts=True
    )
    Department.objects.bulk_create(
        [
            Department(code=code, name=name, region_id=region)
            for code, (name, region) in DEPARTMENTS.items()
        ],
        ignore_conflicts=True,
    )
    Commune.objects.bulk_create(
        [
            Commune(
                code=code,
                name=name,
                department_id=code[:2],
                population=population,
                postal_codes=[f"{code[:2]}000"],
                name_key=name.lower(),
                search_key=name.lower(),
            )
            for code, (name, population) in COMMUNES.items()
        ],
        ignore_conflicts=True,
    )
    known = set(Organisation.objects.values_list("kind", "region_id", "department_id"))
    perimeters: list[tuple[str, str, str | None]] = [
        *(("ars", region, None) for region in REGIONS),
        *(("ars_branch", region, code) for code, (_, region) in DEPARTMENTS.items()),
        ("one_stop_desk", "76", None),
    ]
    Organisation.objects.bulk_create(_body(*one) for one in perimeters if one not in known)


def body(kind: str, region: str, department: str | None = None) -> Organisation:
    """The agency, office or desk that serves a perimeter."""
    known = Organisation.objects.filter(kind=kind, region_id=region, department_id=department)
    found = known.first()
    if found is None:
        found = _body(kind, region, department)
        found.save()
    return found


def _body(kind: str, region: str, department: str | None) -> Organisation:
    return Organisation(
        code=f"essai-{kind}-{region}-{department or ''}".replace("_", "-"),
        kind=kind,
        name=f"{kind} {department or region}",
        region_id=region,
        department_id=department,
        email=f"{kind}.{department or region}@exemple.test",
    )


def draft(
    region: str = "76", *, communes: tuple[str, ...] = (), owner: User | None = None
) -> LetterOfIntent:
    """A letter just begun, with these communes."""
    reference_rows()
    letter = services.create_letter(
        name=f"CPTS d’essai {next(_numbers)}",
        region=Region.objects.get(code=region),
        user=owner or factories.user(),
    )
    if communes:
        add_communes(letter.community.territory, list(communes))
    return letter


def complete(
    region: str = "76", *, communes: tuple[str, ...] = ("81140",), owner: User | None = None
) -> LetterOfIntent:
    """A draft that lacks nothing."""
    letter = draft(region, communes=communes, owner=owner)
    fill(letter)
    return letter


def fill(letter: LetterOfIntent) -> None:
    """Answer what is required, and announce the pieces as to come."""
    user = letter.created_by
    procedure = procedure_of(letter)
    Answer.objects.bulk_create(
        [
            Answer(
                case_id=letter.pk,
                key=field.key,
                value=answer_rules.normalise(field, raw_answer(field)),
                updated_by=user,
            )
            for field in procedure.answer_fields
            if field.required and field.kind != "attachment"
        ],
        update_conflicts=True,
        unique_fields=["case", "key"],
        update_fields=["value", "updated_by"],
    )
    for slot in procedure.attachments:
        if slot.required:
            writing_services.defer_attachment(letter, slot, "L’association se crée.", user=user)


def deposited(
    region: str = "76", *, communes: tuple[str, ...] = ("81140",), owner: User | None = None
) -> LetterOfIntent:
    letter = complete(region, communes=communes, owner=owner)
    file(letter)
    return letter


def without_clock(letter: LetterOfIntent) -> LetterOfIntent:
    """The letter as if its deposit had not started the clock, for tests that write its ledger."""
    with connection.cursor() as cursor:
        # No line of a ledger is ever deleted: an empty table is another matter.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; TRUNCATE workflow_clockevent")
    return letter


def file(letter: LetterOfIntent, *, actor: User | None = None) -> Any:
    """Deposit as the button does."""
    return depositing.deposit(
        letter,
        actor=actor or letter.created_by,
        commits=True,
        signatory_name="Claire Fabre",
        place="Lavaur",
    )


def acting(person: User, organisation: Organisation, department: str | None = None) -> User:
    """The person in a role of the organisation, as the middleware makes them."""
    person.acting = Membership.objects.get_or_create(
        user=person,
        organisation=organisation,
        defaults={"role": Membership.Role.AGENT, "department_id": department},
    )[0]
    return person


def agent(organisation: Organisation, department: str | None = None) -> User:
    return acting(factories.user(), organisation, department)


_TYPED = {
    "text": "Réponse de la CPTS",
    "paragraph": "Première ligne.\nSeconde ligne.",
    "date": "12/03/2026",
    "month": "03/2027",
    "number": "12",
    "email": "claire.fabre@exemple.test",
    "phone": "05 61 22 33 44",
    "yes_no": "Non",
    "structure": {"status": "no"},
}


def raw_answer(asked: Field | Column) -> Any:
    """Something a person could type in the field."""
    if asked.kind == "choice":
        return asked.options[0].key
    if asked.kind != "table":
        return _TYPED[asked.kind.value]
    if not asked.fixed_rows:
        return [{column.key: raw_answer(column) for column in asked.columns}]
    return {
        row.key: {column.key: raw_answer(column) for column in asked.columns if row.has(column)}
        for row in asked.fixed_rows
        if not row.free_label
    }
