"""The organisations that come with the portal, and how they reach the database.

`fixtures/organisations/*.csv`, read in the order of their names: agencies, offices, bodies of
Occitanie, of Pays de la Loire, then demonstration data. What an administrator has written is
never overwritten: a name, service, address, mailbox or telephone is filled in only where it is
empty, and « à compléter » and « démonstration » once unticked stay so. Each difference kept is
reported. Kind, parent and perimeter follow the files.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug
from django.db import transaction

from accounts.models import Organisation
from territories.models import Department, Region

DEFAULT_FOLDER = Path("fixtures") / "organisations"
COLUMNS = (
    "code",
    "kind",
    "name",
    "parent",
    "region",
    "department",
    "service",
    "address",
    "email",
    "phone",
    "to_complete",
    "is_demo",
)
# What an administrator completes, with the word used in reports.
COMPLETED = {
    "name": "nom",
    "service": "service",
    "address": "adresse postale",
    "email": "adresse électronique",
    "phone": "téléphone",
}
_LIMITS = {"code": 60, "name": 200, "service": 200, "phone": 30}
_YES_NO = {"oui": True, "non": False}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: in which file, on which line (1 is the header), under which key, why."""

    file: str
    line: int
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}, ligne {self.line}, clé « {self.key} » : {self.reason}"


class OrganisationFilesError(ValueError):
    """The files cannot be loaded; `problems` says where and why. Nothing was changed."""

    def __init__(self, problems: Iterable[Problem | str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True)
class LoadOutcome:
    """Codes of the organisations created and changed, and the differences kept, as sentences."""

    created: tuple[str, ...]
    changed: tuple[str, ...]
    kept: tuple[str, ...]
    total: int


@dataclass(frozen=True, slots=True)
class _Line:
    file: str
    number: int
    values: dict[str, str]

    def problem(self, key: str, reason: str) -> Problem:
        return Problem(self.file, self.number, key, reason)


def default_folder() -> Path:
    return settings.BASE_DIR / DEFAULT_FOLDER


def load(
    folder: Path, *, overwrite: bool = False, report: Callable[[str], None] | None = None
) -> LoadOutcome:
    """Create or complete the organisations of a folder, all of them or none.

    With `overwrite` the files win over what the administration pages hold. Running it again
    changes nothing. Raises OrganisationFilesError.
    """
    lines = _read_folder(folder)
    problems = list(_check(lines))
    if problems:
        raise OrganisationFilesError(problems)
    with transaction.atomic():
        outcome = _save(lines, overwrite=overwrite)
    if report is not None:
        for sentence in outcome.kept:
            report(sentence)
    return outcome


def _read_folder(folder: Path) -> list[_Line]:
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise OrganisationFilesError([f"{folder} : aucun fichier .csv dans ce dossier."])
    lines: list[_Line] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            problems.append(Problem(path.name, 1, "fichier", "le texte n’est pas en UTF-8."))
            continue
        reader = csv.reader(io.StringIO(text, newline=""))
        header = tuple(next(reader, ()))
        if header != COLUMNS:
            missing = [column for column in COLUMNS if column not in header]
            reason = f"manquante. Attendu : {','.join(COLUMNS)}"
            problems.append(Problem(path.name, 1, ", ".join(missing) or "colonnes", reason))
            continue
        for row in reader:
            if len(row) == len(COLUMNS):
                values = dict(zip(COLUMNS, (cell.strip() for cell in row), strict=True))
                lines.append(_Line(path.name, reader.line_num, values))
            elif row:
                reason = f"{len(row)} colonnes au lieu de {len(COLUMNS)}."
                problems.append(Problem(path.name, reader.line_num, "colonnes", reason))
    if problems:
        raise OrganisationFilesError(problems)
    return lines


def _check(lines: Sequence[_Line]) -> Iterable[Problem]:
    regions = set(Region.objects.values_list("code", flat=True))
    if not regions:
        raise OrganisationFilesError(
            [
                (
                    "Les régions et les départements ne sont pas chargés. "
                    "Lancez d’abord la commande load_territories."
                )
            ]
        )
    region_of = dict(Department.objects.values_list("code", "region_id"))
    codes = {line.values["code"] for line in lines}
    codes |= set(Organisation.objects.values_list("code", flat=True))
    seen: dict[str, _Line] = {}
    for line in lines:
        values = line.values
        if first := seen.get(values["code"]):
            yield line.problem(
                "code",
                f"« {values['code']} » est déjà donné ({first.file}, ligne {first.number}).",
            )
        seen.setdefault(values["code"], line)
        yield from _check_values(line)
        if values["region"] not in regions:
            yield line.problem("region", f"région « {values['region']} » inconnue.")
        department = values["department"]
        if department and region_of.get(department) != values["region"]:
            yield line.problem(
                "department",
                f"« {department} » n’est pas un département de la région {values['region']}.",
            )
        if values["parent"] and (
            values["parent"] not in codes or values["parent"] == values["code"]
        ):
            yield line.problem("parent", f"organisme « {values['parent']} » inconnu.")


def _check_values(line: _Line) -> Iterable[Problem]:
    values = line.values
    try:
        validate_slug(values["code"])
    except ValidationError:
        yield line.problem(
            "code", f"« {values['code']} » : lettres sans accent, chiffres et tirets seulement."
        )
    if values["kind"] not in Organisation.Kind.values:
        known = ", ".join(Organisation.Kind.values)
        yield line.problem("kind", f"nature « {values['kind']} » inconnue (connues : {known}).")
    if not values["name"]:
        yield line.problem("name", "le nom manque.")
    for key, limit in _LIMITS.items():
        if len(values[key]) > limit:
            yield line.problem(key, f"plus de {limit} signes.")
    if values["email"]:
        try:
            validate_email(values["email"])
        except ValidationError:
            yield line.problem("email", f"« {values['email']} » n’est pas une adresse possible.")
    for key in ("to_complete", "is_demo"):
        if values[key] not in _YES_NO:
            yield line.problem(key, f"« {values[key]} » : oui ou non attendu.")


def _save(lines: Sequence[_Line], *, overwrite: bool) -> LoadOutcome:
    present = {item.code: item for item in Organisation.objects.select_for_update()}
    created: list[str] = []
    changed: list[str] = []
    kept: list[str] = []
    # A parent may come after its branch in the files: parents are tied once all exist.
    Organisation.objects.bulk_create(
        [_new(line) for line in lines if line.values["code"] not in present]
    )
    everyone = {item.code: item for item in Organisation.objects.all()}
    to_update = []
    for line in lines:
        item = everyone[line.values["code"]]
        is_new = item.code not in present
        fields = {} if is_new else _updates(item, line, kept, overwrite=overwrite)
        parent = everyone.get(line.values["parent"])
        if item.parent_id != (parent.pk if parent else None):
            fields["parent_id"] = parent.pk if parent else None
        for name, value in fields.items():
            setattr(item, name, value)
        if fields:
            to_update.append(item)
        if is_new:
            created.append(item.code)
        elif fields:
            changed.append(item.code)
    Organisation.objects.bulk_update(
        to_update,
        [*COMPLETED, "kind", "parent_id", "region_id", "department_id", "to_complete", "is_demo"],
        batch_size=200,
    )
    return LoadOutcome(tuple(created), tuple(changed), tuple(kept), len(lines))


def _new(line: _Line) -> Organisation:
    values = line.values
    return Organisation(
        code=values["code"],
        kind=values["kind"],
        region_id=values["region"],
        department_id=values["department"] or None,
        to_complete=_YES_NO[values["to_complete"]],
        is_demo=_YES_NO[values["is_demo"]],
        **{key: values[key] for key in COMPLETED},
    )


def _updates(
    item: Organisation, line: _Line, kept: list[str], *, overwrite: bool
) -> dict[str, object]:
    """The fields of an organisation that the files change; differences kept go to `kept`."""
    values = line.values
    fields: dict[str, object] = {
        "kind": values["kind"],
        "region_id": values["region"],
        "department_id": values["department"] or None,
    }
    for key, label in COMPLETED.items():
        present = getattr(item, key)
        if not values[key] or values[key] == present:
            continue
        if present and not overwrite:
            kept.append(f"{item.code}, {label} : valeur conservée, le fichier en donne une autre.")
        else:
            fields[key] = values[key]
    for key in ("to_complete", "is_demo"):
        wanted = _YES_NO[values[key]]
        # Once unticked, by an administrator or by better files, it stays so.
        fields[key] = wanted if overwrite else getattr(item, key) and wanted
    return {key: value for key, value in fields.items() if getattr(item, key) != value}
