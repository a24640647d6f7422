"""The rows that name one CPTS twice, and those whose CPTS the portal knows."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db.models.functions import Left

from communities.models import Community, LegalEntity
from contracts.existing.checks.listed import Listed
from contracts.existing.checks.places import Places
from contracts.models import Contract, ExistingRow
from cpts_portal.spreadsheets import plain
from cpts_portal.words import NBSP
from territories.models import TerritoryPart
from workflow.models import TerritoryClaim
from workflow.states import CaseState

Status = ExistingRow.Status
# The end of what is said of a doubtful row, until a person has decided.
ASKED: Final = "dites si c’est la même CPTS."
# Words that two spellings of one name may differ by.
_SMALL_WORDS: Final = frozenset(
    (
        *("cpts", "communaute", "professionnelle", "territoriale", "sante"),
        *("de", "du", "des", "d", "la", "le", "les", "l", "et", "en"),
    )
)


def name_key(name: str) -> str:
    """What stays of a name once the words that spellings differ by are gone."""
    kept = [word for word in plain(name).split() if word not in _SMALL_WORDS]
    return " ".join(kept) or plain(name)


def key_of(values: Mapping[str, Any]) -> str:
    """What tells the CPTS of a row from every other one."""
    if values["rna"]:
        return f"rna {values['rna']}"
    if values["siret"]:
        return f"siren {values['siret'][:9]}"
    if values["finess"]:
        return f"finess {values['finess']}"
    codes = sorted(values["codes"])
    return f"nom {name_key(values['name'])} {codes[0] if codes else ''} {len(codes)}"[:300]


class Acquaintances:
    """The rows of a file beside one another and beside the CPTS of the portal."""

    def __init__(self, file: Listed, places: Places) -> None:
        self.file, self.places = file, places

    def find_twins(self) -> None:
        """The rows of the file that name one CPTS twice, and those that share communes."""
        seen: dict[str, int] = {}
        names: dict[str, list[ExistingRow]] = {}
        holders: dict[str, ExistingRow] = {}
        for row in self.file.rows:
            row.key = key_of(row.values)
            for key in ("rna", "siret", "finess"):
                number = row.values[key]
                mark = f"{key} {number[:9] if key == 'siret' else number}"
                if number and mark in seen:
                    self.file.fault(
                        row,
                        key,
                        f"ce numéro est déjà à la ligne {seen[mark]}. Gardez une seule des deux.",
                    )
                elif number:
                    seen[mark] = row.number
            codes = set(row.values["codes"])
            for other in names.get(name_key(row.name), []):
                shared = codes & set(other.values["codes"])
                if shared and not row.faults:
                    self.file.fault(
                        row,
                        "name",
                        f"la ligne {other.number} a le même nom et {len(shared)} "
                        f"commune{'s' if len(shared) > 1 else ''} en commun. Gardez une seule des "
                        "deux, ou distinguez-les.",
                    )
            names.setdefault(name_key(row.name), []).append(row)
            met: dict[int, list[str]] = {}
            for code in codes:
                if code in holders:
                    met.setdefault(holders[code].number, []).append(code)
                else:
                    holders[code] = row
            for number, shared_codes in sorted(met.items()):
                row.notices.append(
                    f"{self.places.named(shared_codes)} {_are(shared_codes)} aussi à la ligne "
                    f"{number}{NBSP}: les deux CPTS {_them(shared_codes)} gardent, à "
                    "arbitrer ensuite."
                )

    def find_known(self) -> None:
        """Say which CPTS the portal has already, with a contract or without."""
        rows = [row for row in self.file.rows if not row.faults]
        by_number = self._known_numbers(rows)
        named = self._namesakes(rows)
        territories = _territories_of({one for found in named.values() for one, _name in found})
        people = {pk for pk, _name in by_number.values()} | set(territories)
        contracts = _contracts_of(people)
        done = dict(
            ExistingRow.objects.filter(
                status=Status.DONE, key__in=[row.key for row in rows]
            ).values_list("key", "contract__reference")
        )
        self._warn_of_claims(rows)
        for row in rows:
            values = row.values
            if row.key in done:
                row.status = Status.KNOWN
                row.notices.append(f"Déjà reprise{NBSP}: contrat {done[row.key]}.")
                continue
            marks = [values["rna"], values["siret"][:9], values["finess"]]
            found = next((by_number[one] for one in marks if one and one in by_number), None)
            if found:
                self._is_known(row, *found, contracts)
                continue
            for pk, name in named.get(name_key(row.name), []):
                shared = set(values["codes"]) & territories.get(pk, set())
                if shared and pk in contracts:
                    row.status, row.community_id = Status.KNOWN, pk
                    row.notices.append(
                        f"«{NBSP}{name}{NBSP}» est déjà sur le portail, avec le contrat "
                        f"{contracts[pk]}."
                    )
                elif shared:
                    row.status, row.community_id = Status.DOUBTFUL, pk
                    row.notices.append(
                        f"«{NBSP}{name}{NBSP}» est sur le portail, sans contrat, et a "
                        f"{len(shared) if len(shared) > 1 else 'une'} de ces communes"
                        f"{NBSP}: {ASKED}"
                    )
                if row.status:
                    break

    def _is_known(self, row: ExistingRow, pk: int, name: str, contracts: Mapping[int, str]) -> None:
        row.community_id = pk
        if pk in contracts:
            row.status = Status.KNOWN
            row.notices.append(
                f"«{NBSP}{name}{NBSP}» a ce numéro et déjà le contrat {contracts[pk]}."
            )
        else:
            row.status = Status.READY
            row.notices.append(
                f"Le contrat sera rattaché à «{NBSP}{name}{NBSP}», qui a ce numéro et est déjà sur "
                "le portail. Son équipe et son territoire ne changent pas."
            )

    @staticmethod
    def _known_numbers(rows: Sequence[ExistingRow]) -> dict[str, tuple[int, str]]:
        """RNA, SIREN or FINESS → the CPTS that has it on the portal."""
        rna = {row.values["rna"] for row in rows} - {""}
        siren = {row.values["siret"][:9] for row in rows} - {""}
        numbers = {row.values["finess"] for row in rows} - {""}
        found: dict[str, tuple[int, str]] = {}
        entities = LegalEntity.objects.annotate(siren_part=Left("siret", 9)).select_related(
            "community"
        )
        for one in (
            entities.filter(rna__in=rna) | entities.filter(siren_part__in=siren)
        ).distinct():
            held = (one.community_id, one.community.name)
            found |= {mark: held for mark in (one.rna, one.siret[:9]) if mark}
        taken = ExistingRow.objects.filter(
            status=Status.DONE, values__finess__in=sorted(numbers), community__isnull=False
        )
        for number, pk, name in taken.values_list(
            "values__finess", "community_id", "community__name"
        ):
            found[number] = (pk, name)
        return found

    @staticmethod
    def _namesakes(rows: Sequence[ExistingRow]) -> dict[str, list[tuple[int, str]]]:
        regions = {row.values["region"] for row in rows}
        asked = {name_key(row.name) for row in rows}
        found: dict[str, list[tuple[int, str]]] = {}
        for pk, name in Community.objects.filter(region__in=regions).values_list("pk", "name"):
            if (key := name_key(name)) in asked:
                found.setdefault(key, []).append((pk, name))
        return found

    def _warn_of_claims(self, rows: Sequence[ExistingRow]) -> None:
        """Say which communes a CPTS of the portal holds already."""
        codes = {code for row in rows for code in row.values["codes"]}
        claims = TerritoryClaim.objects.filter(
            stage=TerritoryClaim.Stage.DECIDED, commune__in=codes, part_key=""
        )
        held = dict(claims.values_list("commune_id", "case__title"))
        for row in rows:
            met: dict[str, list[str]] = {}
            for code in row.values["codes"]:
                if code in held and name_key(held[code]) != name_key(row.name):
                    met.setdefault(held[code], []).append(code)
            for title, shared in sorted(met.items()):
                row.notices.append(
                    f"{self.places.named(shared)} {_are(shared)} déjà à «{NBSP}{title}{NBSP}»"
                    f"{NBSP}: les deux CPTS {_them(shared)} gardent, à arbitrer ensuite."
                )


def _them(codes: Sequence[str]) -> str:
    return "les" if len(codes) > 1 else "la"


def _are(codes: Sequence[str]) -> str:
    return "sont" if len(codes) > 1 else "est"


def _territories_of(communities: Iterable[int]) -> dict[int, set[str]]:
    """The communes of the current territory of each of these CPTS."""
    found: dict[int, set[str]] = {pk: set() for pk in communities}
    rows = TerritoryPart.objects.filter(
        territory__community_link__community__in=list(found),
        territory__community_link__valid_to__isnull=True,
    ).values_list("territory__community_link__community_id", "commune_id")
    for pk, code in rows:
        found[pk].add(code)
    return found


def _contracts_of(communities: Iterable[int]) -> dict[int, str]:
    """The reference of the contract that each of these CPTS has in force."""
    return {
        pk: reference or ""
        for pk, reference in Contract.objects.filter(
            community__in=list(communities), state=CaseState.ACCEPTED
        ).values_list("community_id", "reference")
    }
