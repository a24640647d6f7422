"""A list of communes pasted from a page or a spreadsheet: each item gets an answer."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Literal

from django.db import connection
from django.db.models import Q

from territories.errors import TerritoryError
from territories.models import Commune, Department, FormerCommune
from territories.normalise import normalise

MAX_ITEMS = 2_000
MAX_SIGNS = 200_000
_MAX_CHOICES = 20
_MAX_SUGGESTIONS = 5
# Looking for what a misspelt name may be takes a few milliseconds each.
_MAX_GUESSES = 100

_CODE = re.compile(r"\b([0-9]{5}|2[ABab][0-9]{3})\b")
_SPACED_CODE = re.compile(r"\b([0-9]{2})[ \u00a0\u202f]([0-9]{3})\b")
_BULLET = re.compile(r"^\s*(?:[-–—•*·▪]|[0-9]{1,3}[.)])\s+")
_DEPARTMENT = r"2[ABab]|9[78][0-9]|[0-9]{1,2}"
_HINT = re.compile(rf"\(\s*({_DEPARTMENT})\s*\)|[\s,-]({_DEPARTMENT})\s*$")
_NAMED_HINT = re.compile(r"\(([^()0-9]{3,})\)\s*$")
_SEPARATOR = re.compile(r"[\t;,]")
_CITIES = {"paris", "lyon", "marseille"}

Status = Literal["found", "ambiguous", "merged_into", "unknown"]


@dataclass(frozen=True, slots=True)
class PastedLine:
    """The answer to one item of a pasted list.

    `found` and `merged_into` have a `commune`; `merged_into` also says the former name or code
    that led to it. `ambiguous` has `choices` among which the person picks; `unknown` may have
    the nearest names as `choices`. `message` is a French sentence, empty for a plain find.
    """

    line: int
    text: str
    status: Status
    commune: Commune | None = None
    former_name: str = ""
    choices: tuple[Commune, ...] = ()
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Item:
    """What an item says once read: names it may mean, codes, a département."""

    line: int
    text: str
    keys: tuple[str, ...]
    codes: tuple[str, ...]
    department: str = ""

    @property
    def name(self) -> str:
        return self.keys[-1] if self.keys else ""


@dataclass
class _Found:
    """Everything the items may mean, fetched in a handful of queries."""

    by_code: dict[str, Commune] = field(default_factory=dict)
    by_name: dict[str, list[Commune]] = field(default_factory=dict)
    by_postal: dict[str, list[Commune]] = field(default_factory=dict)
    former_by_code: dict[str, FormerCommune] = field(default_factory=dict)
    former_by_name: dict[str, list[FormerCommune]] = field(default_factory=dict)

    def knows(self, item: _Item) -> bool:
        return any(key in self.by_name or key in self.former_by_name for key in item.keys)


def read_pasted_list(
    text: str, *, department_codes: Sequence[str] = (), region_code: str = ""
) -> list[PastedLine]:
    """Answer each item of a pasted list, in order, in a constant number of queries.

    Items are lines, or are separated by tabs, semicolons or commas; a comma inside a name
    (« Massac, Séran ») does not cut it. An item is a name, an INSEE code, a postal code, or
    several of them (« 31300 Toulouse », « Toulouse (31555) », « Saint-Sulpice (81) »).
    Homonyms are settled by the département written beside the name, else by
    `department_codes`, else by the départements of the other lines, else by `region_code`,
    when only one is left. Raises TerritoryError for a list beyond all measure.
    """
    if len(text) > MAX_SIGNS:
        raise TerritoryError("La liste est trop longue. Collez-la en plusieurs fois.")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    rows = [(number, segments) for number, line in lines if (segments := _segments(line))]
    if sum(len(segments) for _, segments in rows) > MAX_ITEMS:
        raise TerritoryError("La liste compte plus de 2 000 communes. Collez-la en plusieurs fois.")
    names = _department_names(text)
    candidates = [
        [
            _item(number, "".join(segments[start:end]), names)
            for start in range(len(segments))
            for end in range(start + 1, len(segments) + 1)
            if end - start <= 3 or end - start == len(segments)
        ]
        for number, segments in rows
    ]
    found = _fetch([item for row in candidates for item in row])
    items = [
        item
        for (number, segments), row in zip(rows, candidates, strict=True)
        for item in _choose(segments, {item.text: item for item in row}, found)
    ]
    reader = _Reader(found, items, department_codes, region_code)
    return _mark_repeats(reader.answers())


# --- Reading ---------------------------------------------------------------------------


def _segments(line: str) -> list[str]:
    """The pieces between separators, each with the separator before it."""
    line = _SPACED_CODE.sub(r"\1\2", _BULLET.sub("", line))
    cuts = [0, *(match.start() for match in _SEPARATOR.finditer(line)), len(line)]
    pieces = [line[start:end] for start, end in pairwise(cuts)]
    return [piece for piece in pieces if normalise(piece)]


def _item(line: int, text: str, departments: dict[str, str]) -> _Item:
    text = text.strip(" \t;,.\u00a0\u202f")
    codes = tuple(dict.fromkeys(code.upper() for code in _CODE.findall(text)))
    rest = " ".join(_CODE.sub(" ", text).replace("()", " ").split())
    keys = [normalise(rest)]
    department = ""
    if hint := _HINT.search(rest):
        number = next(group for group in hint.groups() if group)
        name = normalise(rest[: hint.start()] + " " + rest[hint.end() :])
        if name in _CITIES and number.isdigit() and 1 <= int(number) <= 20:
            keys = [f"{name} {int(number)} arrondissement"]
        elif name:
            department = number.upper().zfill(2)
            keys.append(name)
    elif (named := _NAMED_HINT.search(rest)) and normalise(named[1]) in departments:
        department = departments[normalise(named[1])]
        keys.append(normalise(rest[: named.start()]))
    elif keys[0].removesuffix(" arrondissement").split(" ")[0] in _CITIES:
        keys.append(f"{keys[0].removesuffix(' arrondissement')} arrondissement")
        keys.reverse()
    if not department and keys[-1].split(" ")[0] not in _CITIES:
        # A spreadsheet's row may end with a figure that is no code.
        keys.append(" ".join(word for word in keys[-1].split() if not word.isdigit()))
    return _Item(line, text, tuple(key for key in dict.fromkeys(keys) if key), codes, department)


def _choose(segments: list[str], items: dict[str, _Item], found: _Found) -> Iterator[_Item]:
    """Cut a line into the items that make most sense."""

    def item(start: int, end: int) -> _Item:
        return items["".join(segments[start:end]).strip(" \t;,.\u00a0\u202f")]

    if len(segments) == 1 or _is_one_commune(item(0, len(segments)), found):
        yield item(0, len(segments))
        return
    start = 0
    while start < len(segments):
        length = 1
        for longer in (3, 2):
            end = start + longer
            # A name with a comma in it, unless its pieces are names of their own.
            if (
                end <= len(segments)
                and not item(start, end).codes
                and found.knows(item(start, end))
                and not all(found.knows(item(at, at + 1)) for at in range(start, end))
            ):
                length = longer
                break
        yield item(start, start + length)
        start += length


def _is_one_commune(item: _Item, found: _Found) -> bool:
    """Whether a whole line with separators (a spreadsheet's row) speaks of one commune."""
    if not item.codes:
        return found.knows(item)
    if item.name:
        return bool(_with_codes(item, found))
    return bool(_all_codes(item, found))


def _with_codes(item: _Item, found: _Found) -> list[tuple[Commune, str]]:
    """Communes whose name and at least one code are the item's, with the former name if any."""
    codes = set(item.codes)
    named = [
        (commune, "")
        for key in item.keys
        for commune in found.by_name.get(key, ())
        if codes & {commune.code, *commune.postal_codes}
    ]
    former = [
        (entry.current, entry.name)
        for key in item.keys
        for entry in found.former_by_name.get(key, ())
        if codes & {entry.code, entry.current_id, *entry.current.postal_codes}
    ]
    return list({commune.code: (commune, name) for commune, name in former + named}.values())


def _all_codes(item: _Item, found: _Found) -> list[Commune]:
    """Communes of which every code of the item is the INSEE code or a postal code."""
    every = {commune.code: commune for code in item.codes for commune in _of_code(code, found)}
    return [
        commune
        for commune in every.values()
        if set(item.codes) <= {commune.code, *commune.postal_codes}
    ]


def _of_code(code: str, found: _Found) -> list[Commune]:
    own = [found.by_code[code]] if code in found.by_code else []
    return own + [commune for commune in found.by_postal.get(code, ()) if commune.code != code]


# --- Fetching --------------------------------------------------------------------------


def _department_names(text: str) -> dict[str, str]:
    """Départements by normalised name, when some item may name one in brackets."""
    if not re.search(r"\([^()0-9]{3,}\)", text):
        return {}
    return {normalise(name): code for code, name in Department.objects.values_list("code", "name")}


def _fetch(items: Iterable[_Item]) -> _Found:
    items = list(items)
    names = {key for item in items for key in item.keys}
    codes = {code for item in items for code in item.codes}
    found = _Found()
    active = Commune.objects.filter(is_active=True).select_related("department")
    active = active.order_by("-population", "code")
    for commune in active.filter(name_key__in=names) if names else ():
        found.by_name.setdefault(commune.name_key, []).append(commune)
    for commune in active.filter(code__in=codes | _with_postal_code(codes)) if codes else ():
        if commune.code in codes:
            found.by_code[commune.code] = commune
        for postal in codes.intersection(commune.postal_codes):
            found.by_postal.setdefault(postal, []).append(commune)
    former = FormerCommune.objects.filter(current__is_active=True)
    for entry in former.filter(Q(name_key__in=names) | Q(code__in=codes)).select_related(
        "current__department"
    ):
        found.former_by_code[entry.code] = entry
        found.former_by_name.setdefault(entry.name_key, []).append(entry)
    return found


def _with_postal_code(codes: set[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT c.code FROM territories_commune c, unnest(c.postal_codes) AS p "
            "WHERE p = ANY(%s)",
            [list(codes)],
        )
        return {code for (code,) in cursor.fetchall()}


def _nearest(names: Sequence[str], department_codes: Sequence[str]) -> dict[str, list[Commune]]:
    """The names most like each of `names`, those of the given départements first."""
    if not names:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT wanted.name, near.code
            FROM unnest(%s::text[]) WITH ORDINALITY AS wanted (name, rank)
            CROSS JOIN LATERAL (
                SELECT c.code,
                       here.yes AND c.name_key LIKE wanted.name || '%%' AS beside,
                       similarity(c.name_key, wanted.name)
                           + CASE WHEN here.yes THEN 0.2 ELSE 0 END AS likeness
                FROM territories_commune c
                CROSS JOIN LATERAL (SELECT c.department_id = ANY(%s::text[]) AS yes) AS here
                WHERE c.is_active AND wanted.name <%% c.search_key
                ORDER BY beside DESC, likeness DESC, c.population DESC NULLS LAST, c.code
                LIMIT %s
            ) AS near
            ORDER BY wanted.rank, near.beside DESC, near.likeness DESC
            """,
            [list(names), list(department_codes), _MAX_SUGGESTIONS],
        )
        pairs = cursor.fetchall()
    communes = Commune.objects.select_related("department").in_bulk({code for _, code in pairs})
    near: dict[str, list[Commune]] = {}
    for name, code in pairs:
        near.setdefault(name, []).append(communes[code])
    return near


# --- Answering -------------------------------------------------------------------------

_Pool = list[tuple[Commune, str]]


class _Reader:
    def __init__(
        self,
        found: _Found,
        items: Sequence[_Item],
        department_codes: Sequence[str],
        region_code: str,
    ) -> None:
        self.found = found
        self.items = items
        self.region_code = region_code
        self.department_codes = set(department_codes)
        self.codes_are_insee = self._lone_codes_are_insee()
        # Other lines may tell the département, a surer guide: the region comes last.
        self.settle_by_region = False
        # Where a far homonym or a misspelt name most likely is; read when one needs it.
        self.likely_codes: set[str] = set()

    def answers(self) -> list[PastedLine]:
        first = [self._answer(item) for item in self.items]
        if not self.department_codes:
            self.department_codes = self._departments_of(first)
            self.settle_by_region = not self.department_codes
        second = [
            self._answer(item) if answer.status == "ambiguous" else answer
            for item, answer in zip(self.items, first, strict=True)
        ]
        if any(answer.status in {"ambiguous", "unknown"} for answer in second):
            self.likely_codes = self.department_codes or self._departments_of_region()
        return self._with_suggestions([self._nearest_first(answer) for answer in second])

    def _departments_of_region(self) -> set[str]:
        if not self.region_code:
            return set()
        departments = Department.objects.filter(region_id=self.region_code)
        return set(departments.values_list("code", flat=True))

    def _nearest_first(self, answer: PastedLine) -> PastedLine:
        """The choices of the drawn départements, then the region's, then the others."""

        def distance(choice: Commune) -> tuple[bool, bool]:
            department = choice.department
            return (
                department.code not in self.likely_codes,
                department.region_id != self.region_code,
            )

        return replace(answer, choices=tuple(sorted(answer.choices, key=distance)[:_MAX_CHOICES]))

    def _lone_codes_are_insee(self) -> bool:
        """Whether the numbers that stand alone are INSEE codes, though some are postal codes too.

        They are when each one is a commune's code and some could be nothing else.
        """
        lone = [item.codes[0] for item in self.items if len(item.codes) == 1 and not item.name]
        known = [code in self.found.by_code or code in self.found.former_by_code for code in lone]
        return all(known) and any(code not in self.found.by_postal for code in lone)

    def _departments_of(self, answers: Iterable[PastedLine]) -> set[str]:
        """Départements that a fair share of the certain lines are in."""
        counts = Counter(
            answer.commune.department_id for answer in answers if answer.commune is not None
        )
        total = sum(counts.values())
        return {code for code, count in counts.items() if count >= 2 and count * 5 >= total}

    def _answer(self, item: _Item) -> PastedLine:
        if item.codes and item.name:
            return self._answer_name_and_codes(item)
        if item.codes:
            return self._answer_codes(item)
        return self._answer_name(item)

    def _answer_name_and_codes(self, item: _Item) -> PastedLine:
        pool = _with_codes(item, self.found)
        of_codes = [commune for code in item.codes for commune in _of_code(code, self.found)]
        if not pool:
            # « 81370 Saint-Sulpice » is the only one of that postal code to begin so.
            pool = [
                (commune, "") for commune in of_codes if f" {item.name} " in f" {commune.name_key} "
            ]
        if len(pool) == 1:
            return _settled(item, *pool[0])
        if pool:
            return _ambiguous(item, pool)
        former = [
            self.found.former_by_code[c] for c in item.codes if c in self.found.former_by_code
        ]
        pool = [(commune, "") for commune in of_codes]
        pool += [(entry.current, entry.name or entry.code) for entry in former]
        if pool:
            return _ambiguous(
                item, pool, "Le nom et le code ne vont pas ensemble. Choisissez la bonne commune."
            )
        return self._answer_name(item)

    def _answer_codes(self, item: _Item) -> PastedLine:
        if len(item.codes) > 1:
            pool = [(commune, "") for commune in _all_codes(item, self.found)]
            return _settled(item, *pool[0]) if len(pool) == 1 else _unknown(item)
        code = item.codes[0]
        communes = _of_code(code, self.found)
        if code in self.found.by_code and (len(communes) == 1 or self.codes_are_insee):
            return _settled(item, self.found.by_code[code], "")
        entry = self.found.former_by_code.get(code)
        if entry and (self.codes_are_insee or not communes):
            return _settled(item, entry.current, entry.name or entry.code)
        if len(communes) == 1:
            return _settled(item, communes[0], "")
        if communes:
            return _ambiguous(
                item,
                [(commune, "") for commune in communes],
                f"{code} est un code postal de plusieurs communes. Choisissez la bonne."
                if code not in self.found.by_code
                else f"{code} est à la fois un code INSEE et un code postal. Choisissez.",
            )
        return _unknown(item)

    def _answer_name(self, item: _Item) -> PastedLine:
        pool = self._named(item)
        if item.department:
            pool = [pair for pair in pool if pair[0].department_id == item.department]
        if len(pool) == 1:
            return _settled(item, *pool[0])
        if not pool:
            return _unknown(item)
        if self.department_codes:
            near = [pair for pair in pool if pair[0].department_id in self.department_codes]
            if len(near) == 1:
                return _settled(item, *near[0])
            return _ambiguous(item, near or pool)
        near = [pair for pair in pool if pair[0].department.region_id == self.region_code]
        if len(near) == 1 and self.settle_by_region:
            return _settled(item, *near[0])
        return _ambiguous(item, near or pool)

    def _named(self, item: _Item) -> _Pool:
        """Communes of today so named, then those that took in a commune so named."""
        for key in item.keys:
            pool: dict[str, tuple[Commune, str]] = {
                commune.code: (commune, "") for commune in self.found.by_name.get(key, ())
            }
            for entry in self.found.former_by_name.get(key, ()):
                pool.setdefault(entry.current_id, (entry.current, entry.name))
            if pool:
                return list(pool.values())
        return []

    def _with_suggestions(self, answers: list[PastedLine]) -> list[PastedLine]:
        """Give the nearest names to what nothing answers, and to homonyms that are all far."""
        wanting = {
            item.name: item
            for item, answer in zip(self.items, answers, strict=True)
            if item.name and self._wants_suggestions(item, answer)
        }
        departments = self.likely_codes | {item.department for item in wanting.values()} - {""}
        near = _nearest(list(wanting)[:_MAX_GUESSES], sorted(departments))
        return [
            _with_choices(answer, near[item.name])
            if item.name in near and self._wants_suggestions(item, answer)
            else answer
            for item, answer in zip(self.items, answers, strict=True)
        ]

    def _wants_suggestions(self, item: _Item, answer: PastedLine) -> bool:
        if answer.status == "unknown":
            return True
        return (
            answer.status == "ambiguous"
            and not item.codes
            and bool(self.likely_codes)
            and not any(choice.department_id in self.likely_codes for choice in answer.choices)
        )


def _settled(item: _Item, commune: Commune, former: str) -> PastedLine:
    if former:
        return PastedLine(
            item.line,
            item.text,
            "merged_into",
            commune,
            former_name=former,
            message=f"{former} : aujourd’hui {commune}.",
        )
    return PastedLine(item.line, item.text, "found", commune)


def _ambiguous(item: _Item, pool: _Pool, message: str = "") -> PastedLine:
    choices = list({commune.code: commune for commune, _ in pool}.values())
    return PastedLine(
        item.line,
        item.text,
        "ambiguous",
        choices=tuple(choices),
        message=message or "Plusieurs communes portent ce nom. Choisissez la bonne.",
    )


def _unknown(item: _Item) -> PastedLine:
    if item.codes and not item.name:
        reason = "Ce n’est le code INSEE ni le code postal d’aucune commune française."
        if len(item.codes) > 1:
            reason = "Ces codes ne sont pas ceux d’une même commune. Mettez-les sur deux lignes."
    elif item.department:
        reason = f"Aucune commune ne porte ce nom dans le département {item.department}."
    else:
        reason = "Aucune commune ne porte ce nom."
    return PastedLine(item.line, item.text, "unknown", message=reason)


def _with_choices(answer: PastedLine, near: Sequence[Commune]) -> PastedLine:
    choices = list({commune.code: commune for commune in (*near, *answer.choices)}.values())
    message = answer.message
    if answer.status == "unknown":
        message += " Voici les noms les plus proches."
    return replace(answer, choices=tuple(choices[:_MAX_CHOICES]), message=message)


def _mark_repeats(answers: list[PastedLine]) -> list[PastedLine]:
    """Say of a commune named again on which line it was first."""
    first: dict[str, int] = {}
    marked = []
    for answer in answers:
        commune = answer.commune
        if commune is None or first.setdefault(commune.code, answer.line) == answer.line:
            marked.append(answer)
        else:
            repeat = f"Déjà donnée à la ligne {first[commune.code]}."
            marked.append(replace(answer, message=f"{answer.message} {repeat}".strip()))
    return marked
