"""Members from a spreadsheet: read, checked and shown first; written when somebody confirms."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from accounts import rpps
from accounts.models import User
from communities.models import Community
from cpts_portal import spreadsheets
from cpts_portal.spreadsheets import TableFileError, plain
from members import finess, rules
from members.codes import PROFESSION_NAMES, PROFESSIONS, STRUCTURE_NAMES, STRUCTURES
from members.models import Member, MemberImport
from members.services import MOST_MEMBERS, MemberError, save_member
from territories.errors import TerritoryError
from territories.models import Commune
from territories.pasted_list import PastedLine, read_pasted_list

MOST_ROWS: Final = 3_000
# Key → heading, in the order of an exported file.
COLUMNS: Final[dict[str, str]] = {
    "kind": "Nature",
    "last_name": "Nom",
    "first_name": "Prénom",
    "email": "Adresse électronique",
    "profession": "Profession",
    "speciality": "Spécialité",
    "rpps": "RPPS",
    "structure_name": "Structure",
    "structure_kind": "Nature de la structure",
    "finess": "FINESS",
    "function": "Fonction du représentant légal",
    "commune": "Commune",
    "joined_on": "Membre depuis le",
}
_OTHER_HEADINGS: Final = {
    "nom de famille": "last_name",
    "nom du representant legal": "last_name",
    "prenoms": "first_name",
    "prenom du representant legal": "first_name",
    "courriel": "email",
    "mail": "email",
    "email": "email",
    "e mail": "email",
    "adresse mail": "email",
    "adresse e mail": "email",
    "adresse electronique du representant legal": "email",
    "specialite ou precision": "speciality",
    "numero rpps": "rpps",
    "n rpps": "rpps",
    "nom de la structure": "structure_name",
    "etablissement": "structure_name",
    "type de structure": "structure_kind",
    "numero finess": "finess",
    "n finess": "finess",
    "fonction": "function",
    "commune d exercice": "commune",
    "lieu d exercice": "commune",
    "ville": "commune",
    "code insee": "commune",
    "date d adhesion": "joined_on",
    "adhesion": "joined_on",
}
_LONGEST: Final = {
    "last_name": 100,
    "first_name": 100,
    "speciality": 100,
    "structure_name": 200,
    "function": 100,
}


@dataclass(frozen=True)
class Fault:
    """What is wrong in one cell: its column, then what, why and what to do."""

    column: str
    message: str


@dataclass
class Row:
    """One line of the file: what it would write, or what keeps it from being written.

    `status`: « ready », « wrong » (faults), « known » (a member has this RPPS or FINESS) or
    « doubtful » (perhaps somebody who is there already: a person decides).
    """

    number: int
    cells: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    status: str = "ready"
    # The member it may be, and why it is thought so.
    member: int | None = None
    reason: str = ""

    @property
    def name(self) -> str:
        person = f"{self.cells.get('first_name', '')} {self.cells.get('last_name', '')}".strip()
        return " – ".join(part for part in (self.cells.get("structure_name", ""), person) if part)

    @property
    def what(self) -> str:
        return self.cells.get("structure_kind") or self.cells.get("profession") or ""

    @property
    def sentences(self) -> list[str]:
        return [
            f"Ligne {self.number}, colonne « {fault.column} » : {fault.message}"
            for fault in self.faults
        ]

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Row":
        faults = [Fault(**fault) for fault in stored["faults"]]
        return cls(**{**stored, "faults": faults})


@dataclass(frozen=True)
class Applied:
    """What a confirmed import did; `refused` are sentences on rows that no longer could."""

    added: int
    updated: int
    skipped: int
    refused: list[str]


# --- Reading ------------------------------------------------------------------------------------


def heading_keys() -> dict[str, str]:
    """Every heading a file may bear, compared plainly → the column's key."""
    names = {plain(label): key for key, label in COLUMNS.items()}
    return _OTHER_HEADINGS | names | {key: key for key in COLUMNS}


@transaction.atomic
def read_members_file(community: Community, *, name: str, content: bytes, by: User) -> MemberImport:
    """Read a file, keep what it says aside, and return it: no member is written.

    An import that waited for this CPTS is given up. Raises PermissionDenied, or TableFileError
    when nothing of the file can be used.
    """
    if not rules.may_manage_members(community, by):
        raise PermissionDenied
    Community.objects.select_for_update().get(pk=community.pk)
    rows, ignored = _read(community, name, content)
    give_up(community)
    return MemberImport.objects.create(
        community=community,
        file_name=name[:150],
        rows=[asdict(row) for row in rows],
        ignored=ignored,
        created_by=by,
    )


def give_up(community: Community) -> None:
    """Forget the import that waits for a CPTS, if there is one."""
    MemberImport.objects.filter(community=community, closed_at__isnull=True).update(
        closed_at=timezone.now(), rows=[]
    )


def rows_of(waiting: MemberImport) -> list[Row]:
    return [Row.from_json(stored) for stored in waiting.rows]


def _read(community: Community, name: str, content: bytes) -> tuple[list[Row], list[str]]:
    found, ignored = spreadsheets.read_list(
        name,
        content,
        headings=heading_keys(),
        labels=COLUMNS,
        needed=("last_name",),
        max_rows=MOST_ROWS,
    )
    rows = [Row(number, cells) for number, cells in found]
    known = community.members.count()
    if known + len(rows) > MOST_MEMBERS:
        raise TableFileError(
            f"Le fichier compte {len(rows)} lignes et la CPTS {known} membres : le portail en "
            f"tient {MOST_MEMBERS} au plus. Vérifiez que c’est le bon fichier."
        )
    communes = _communes(community, [row.cells.get("commune", "") for row in rows])
    for row in rows:
        _check(row, communes)
    _find_duplicates(community, rows)
    return rows, ignored


def _communes(community: Community, texts: Iterable[str]) -> dict[str, PastedLine]:
    """What each text of the column means, all read at once."""
    asked = list(dict.fromkeys(text for text in texts if text))
    departments = list(
        Commune.objects.filter(
            territory_parts__territory__community_link__community=community,
            territory_parts__territory__community_link__valid_to__isnull=True,
        )
        .order_by()
        .values_list("department_id", flat=True)
        .distinct()
    )
    lines = "\n".join(re.sub(r"[\t;,]", " ", text) for text in asked)
    try:
        answers = read_pasted_list(
            lines, department_codes=departments, region_code=community.region_id
        )
    except TerritoryError as error:
        raise TableFileError(str(error)) from error
    return {asked[answer.line - 1]: answer for answer in answers}


def find_commune(community: Community, text: str) -> tuple[Commune | None, str]:
    """The commune a person wrote, or the sentence that says why there is none."""
    text = " ".join(text.split())
    if not text:
        return None, ""
    return _commune(_communes(community, [text]).get(text), text)


def _commune(answer: PastedLine | None, text: str) -> tuple[Commune | None, str]:
    if answer is not None and answer.status in {"found", "merged_into"}:
        return answer.commune, ""
    choices = answer.choices[:5] if answer else ()
    offered = ", ".join(f"{one.name} ({one.code})" for one in choices)
    if answer is not None and answer.status == "ambiguous":
        return None, (
            f"plusieurs communes s’appellent « {text} » : écrivez le code INSEE de la bonne"
            + (f", parmi {offered}." if offered else ".")
        )
    near = f" Voulez-vous dire {offered} ?" if offered else ""
    return None, (
        f"« {text} » n’est pas une commune connue : écrivez son nom, son code postal ou son "
        f"code INSEE, ou laissez la case vide.{near}"
    )


# --- Checking -----------------------------------------------------------------------------------


def _check(row: Row, communes: Mapping[str, PastedLine]) -> None:
    cells, values = row.cells, row.values
    kind = _kind(row)
    values["kind"] = kind
    for key in ("last_name", "first_name"):
        _text(row, key, required=True)
    for key in ("speciality", "structure_name", "function"):
        _text(row, key)
    _email(row)
    if kind == Member.Kind.STRUCTURE:
        if not cells.get("structure_name"):
            _wrong(row, "structure_name", "le nom de la structure manque : écrivez-le.")
        _code(row, "structure_kind", STRUCTURES, STRUCTURE_NAMES, "nature de structure")
        _number(row, "finess", finess.problem)
        if cells.get("rpps"):
            _wrong(row, "rpps", "une structure n’a pas de RPPS : videz la case, ou le nom de la "
                   "structure si c’est un professionnel.")  # fmt: skip
    else:
        _code(row, "profession", PROFESSIONS, PROFESSION_NAMES, "profession")
        _number(row, "rpps", rpps.problem)
    typed = cells.get("commune", "")
    values["commune"] = None
    if typed:
        commune, problem = _commune(communes.get(typed), typed)
        values["commune"] = commune.code if commune else None
        if problem:
            _wrong(row, "commune", problem)
    _joined_on(row)
    if row.faults:
        row.status = "wrong"


def _kind(row: Row) -> str:
    typed = plain(row.cells.get("kind", ""))
    if typed.startswith("struct"):
        return Member.Kind.STRUCTURE
    if typed and not typed.startswith("prof"):
        _wrong(row, "kind", "écrivez « Professionnel » ou « Structure », ou laissez vide.")
    has_structure = any(row.cells.get(key) for key in ("structure_name", "structure_kind"))
    is_person = typed.startswith("prof") or not has_structure
    return Member.Kind.PROFESSIONAL if is_person else Member.Kind.STRUCTURE


def _wrong(row: Row, key: str, message: str) -> None:
    row.faults.append(Fault(COLUMNS[key], message))


def _text(row: Row, key: str, *, required: bool = False) -> None:
    text = row.cells.get(key, "")
    if required and not text:
        what = "le nom" if key == "last_name" else "le prénom"
        _wrong(row, key, f"{what} manque : c’est la personne qui signe, écrivez-le.")
    if len(text) > _LONGEST[key]:
        _wrong(row, key, f"le texte dépasse {_LONGEST[key]} caractères : raccourcissez-le.")
    row.values[key] = text


def _email(row: Row) -> None:
    typed = row.cells.get("email", "").lower()
    row.values["email"] = typed
    if not typed:
        return
    try:
        validate_email(typed)
    except ValidationError:
        _wrong(
            row,
            "email",
            f"« {typed} » n’est pas une adresse électronique : elle doit ressembler à "
            "prenom.nom@exemple.fr. Corrigez-la, ou laissez la case vide (signature sur papier).",
        )


def _code(
    row: Row, key: str, known: Mapping[str, str], others: Mapping[str, str], what: str
) -> None:
    typed = row.cells.get(key, "")
    if not typed:
        _wrong(row, key, f"la {what} manque : prenez-la dans la liste du modèle.")
        return
    names = {plain(label): code for code, label in known.items()}
    names = {**others, **names, **{plain(code): code for code in known}}
    bare = plain(typed)
    code = names.get(bare) or names.get(bare.removesuffix("s"))
    if code is None:
        first = bare.split(" ")[0]
        near = [one for one in known.values() if first and plain(one).startswith(first[:4])]
        hint = f" Voulez-vous dire {', '.join(f'« {one} »' for one in near[:3])} ?" if near else ""
        _wrong(
            row,
            key,
            f"« {typed} » n’est pas une {what} connue : prenez-la dans la liste du modèle, ou "
            f"écrivez « {known.get('L99') or known.get('other')} ».{hint}",
        )
        return
    if plain(known[code]) != bare and bare.startswith("medecin ") and not row.values["speciality"]:
        row.values["speciality"] = typed.split(" ", 1)[1][:100]
    row.values[key] = code


def _number(row: Row, key: str, problem: Any) -> None:
    number = rpps.bare(row.cells.get(key, "")).upper()
    # A spreadsheet takes away the zeros a number begins with.
    if key == "finess" and number.isdigit() and len(number) == finess.LENGTH - 1:
        number = f"0{number}"
    row.values[key] = number
    if number and (sentence := problem(number)):
        _wrong(row, key, sentence[:1].lower() + sentence[1:])


def _joined_on(row: Row) -> None:
    typed = row.cells.get("joined_on", "")
    row.values["joined_on"] = timezone.localdate().isoformat()
    if not typed:
        return
    for shape in ("%d/%m/%Y", "%Y-%m-%d", "%d/%m/%y"):
        try:
            day = datetime.strptime(typed, shape).date()  # noqa: DTZ007 - a day, not a moment
        except ValueError:
            continue
        if day > timezone.localdate():
            _wrong(row, "joined_on", f"« {typed} » est à venir : corrigez la date ou videz-la.")
        row.values["joined_on"] = day.isoformat()
        return
    _wrong(row, "joined_on", f"« {typed} » n’est pas une date : écrivez 15/03/2027.")


# --- Duplicates ---------------------------------------------------------------------------------


class _Known:
    """The members of a CPTS, then the lines of the file read so far, by what tells them apart."""

    def __init__(self, members: Sequence[Member]) -> None:
        keys = ("rpps", "finess")
        self.numbers = {(k, getattr(one, k)): one for one in members for k in keys}
        self.names = {_same_name(_as_values(one)): one for one in members}
        self.emails = {one.email: one for one in members if one.email}
        self.seen: dict[Any, int] = {}

    def judge(self, row: Row) -> None:
        key = "finess" if row.values.get("finess") else "rpps"
        number = (key, row.values.get(key, ""))
        name, email = _same_name(row.values), row.values["email"]
        if number[1] and number in self.seen:
            line = self.seen[number]
            _wrong(row, key, f"ce numéro est déjà à la ligne {line}\u00a0: gardez-en une seule.")
            row.status = "wrong"
        elif number[1] and number in self.numbers:
            _may_be(row, self.numbers[number], "known", f"a déjà ce numéro {key.upper()}")
        else:
            self._doubt(row, name, email)
        for one in (number if number[1] else None, name, email or None):
            if one:
                self.seen.setdefault(one, row.number)

    def _doubt(self, row: Row, name: tuple[str, str, str], email: str) -> None:
        if name in self.names:
            same = "a le même nom et la même profession ou nature"
            _may_be(row, self.names[name], "doubtful", same)
        elif name in self.seen:
            row.status = "doubtful"
            row.reason = (
                f"La ligne {self.seen[name]} a le même nom et la même profession ou nature."
            )
        elif email and email in self.emails:
            _may_be(row, self.emails[email], "doubtful", "a la même adresse électronique")
        elif email and email in self.seen:
            row.status = "doubtful"
            row.reason = (
                f"La ligne {self.seen[email]} a la même adresse électronique. C’est permis pour "
                "un secrétariat commun\u00a0: chacun reçoit son propre lien."
            )


def _find_duplicates(community: Community, rows: Sequence[Row]) -> None:
    known = _Known(list(community.members.current()))
    for row in rows:
        if row.status != "wrong":
            known.judge(row)


def _same_name(values: Mapping[str, Any]) -> tuple[str, str, str]:
    what = values.get("profession") or values.get("structure_kind") or ""
    if values.get("structure_name"):
        return plain(values["structure_name"]), "", what
    return plain(values["last_name"]), plain(values["first_name"]), what


def _as_values(member: Member) -> dict[str, str]:
    return {
        "structure_name": member.structure_name,
        "last_name": member.last_name,
        "first_name": member.first_name,
        "profession": member.profession,
        "structure_kind": member.structure_kind,
    }


def _may_be(row: Row, member: Member, status: str, why: str) -> None:
    row.status, row.member = status, member.pk
    row.reason = f"{member.name} ({member.what}) {why}."


def same_as(community: Community, values: Mapping[str, Any], *, but: int | None) -> list[str]:
    """Members whom these values may name already, as sentences; `but` is left out."""
    others = community.members.current().exclude(pk=but or 0)
    name = _same_name(values)
    found = [
        f"{one.name} ({one.what}) a le même nom et la même profession ou nature."
        for one in others.filter(sort_key__startswith=name[0])
        if _same_name(_as_values(one)) == name
    ]
    email = str(values.get("email", "")).lower()
    if email:
        found += [
            f"{one.name} ({one.what}) a la même adresse électronique."
            for one in others.filter(email=email)[:3]
        ]
    return found


# --- Applying -----------------------------------------------------------------------------------


@transaction.atomic
def apply_import(waiting: MemberImport, choices: Mapping[int, str], *, by: User) -> Applied:
    """Write the rows of an import: those that are ready, and what was chosen of the others.

    `choices` gives, by line of the file, « add », « update » (for a known member) or « skip ».
    Raises PermissionDenied, or MemberError when it was applied or given up meanwhile.
    """
    if not rules.may_manage_members(waiting.community, by):
        raise PermissionDenied
    # The CPTS before its rows: another import of the same second waits here.
    Community.objects.select_for_update().get(pk=waiting.community_id)
    waiting = MemberImport.objects.select_related("community").get(pk=waiting.pk)
    if waiting.closed_at:
        raise MemberError(
            "Cet import a déjà été confirmé ou abandonné : regardez la liste des membres."
        )
    done = {"add": 0, "update": 0, "skip": 0}
    refused: list[str] = []
    members = {one.pk: one for one in waiting.community.members.current()}
    for row in rows_of(waiting):
        choice = _choice(row, choices)
        values = row.values | {
            "commune": Commune(code=row.values["commune"]) if row.values.get("commune") else None,
        }
        if choice == "skip":
            done["skip"] += 1
            continue
        values["joined_on"] = date.fromisoformat(row.values["joined_on"])
        member = members.get(row.member or 0) if choice == "update" else None
        if member is not None:
            # An empty cell says nothing: what the portal knows stays.
            values = {k: v for k, v in values.items() if v and k != "joined_on"}
        try:
            save_member(waiting.community, values, by=by, member=member)
        except MemberError as error:
            refused.append(f"Ligne {row.number} : {error.message}")
        else:
            done[choice] += 1
    waiting.closed_at, waiting.rows = timezone.now(), []
    waiting.save(update_fields=["closed_at", "rows"])
    return Applied(done["add"], done["update"], done["skip"], refused)


def _choice(row: Row, choices: Mapping[int, str]) -> str:
    match row.status:
        case "ready":
            return "add"
        case "known":
            return "update" if choices.get(row.number) == "update" else "skip"
        case "doubtful":
            return "add" if choices.get(row.number) == "add" else "skip"
        case _:
            return "skip"


# --- Exporting ----------------------------------------------------------------------------------


def exported(members: Iterable[Member]) -> list[list[str]]:
    """The lines of an export, which can be imported back; `members` have their commune read."""
    return [
        [
            str(member.get_kind_display()),
            member.last_name,
            member.first_name,
            member.email,
            str(member.get_profession_display()),
            member.speciality,
            member.rpps,
            member.structure_name,
            str(member.get_structure_kind_display()),
            member.finess,
            member.function,
            f"{member.commune.name} ({member.commune.code})" if member.commune else "",
            f"{member.joined_on:%d/%m/%Y}",
        ]
        for member in members
    ]


def wrong_rows(waiting: MemberImport) -> list[list[str]]:
    """The rows to correct as they were written, with what is wrong in a last column."""
    return [
        [*(row.cells.get(key, "") for key in COLUMNS), " ".join(row.sentences)]
        for row in rows_of(waiting)
        if row.status == "wrong"
    ]
