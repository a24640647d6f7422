"""The communes of the rows: those of today, whatever the year of the codes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from django.utils import timezone

from contracts.existing.checks.listed import SHOWN, Listed
from cpts_portal.words import NBSP
from territories.models import Commune, FormerCommune
from territories.succession import Held, propose
from territories.years import steps_since


@dataclass
class KnownPlaces:
    """The communes that the rows name, as they are today."""

    # Code → (name, département, région, population, parent).
    active: dict[str, tuple[str, str, str, int | None, str | None]] = field(default_factory=dict)
    # Former code → the communes that follow it.
    followed: dict[str, list[str]] = field(default_factory=dict)


class Places:
    """The communes that the rows of a file name."""

    def __init__(self, file: Listed) -> None:
        self.file = file

    @cached_property
    def known(self) -> KnownPlaces:
        """Those of every row, in a constant number of queries."""
        codes = {code for row in self.file.rows for code in row.values["codes"]}
        places = KnownPlaces()
        rows = Commune.objects.filter(code__in=codes).values_list(
            "code", "name", "department_id", "department__region_id", "population", "parent_id",
            "is_active",
        )  # fmt: skip
        for code, name, department, region, population, parent, is_active in rows:
            if is_active:
                places.active[code] = (name, department, region, population, parent)
        left = codes - places.active.keys()
        heirs = dict(FormerCommune.objects.filter(code__in=left).values_list("code", "current_id"))
        steps = steps_since(datetime.min.replace(tzinfo=timezone.get_current_timezone()))
        for code in left:
            if code in heirs:
                places.followed[code] = [heirs[code]]
                continue
            held = [Held(code)]
            for step in steps:
                held = propose(held, step)
            if held != [Held(code)]:
                places.followed[code] = [one.code for one in held]
        more = {code for codes in places.followed.values() for code in codes} - codes
        for code, name, department, region, population, parent in Commune.objects.filter(
            code__in=more, is_active=True
        ).values_list(
            "code", "name", "department_id", "department__region_id", "population", "parent_id"
        ):
            places.active[code] = (name, department, region, population, parent)
        return places

    def resolve(self) -> None:
        """Give each row the communes of today; a code that is none is a fault."""
        for row in self.file.rows:
            found: dict[str, None] = {}
            unknown: list[str] = []
            for code in row.values["codes"]:
                heirs = self.known.followed.get(code)
                if code in self.known.active:
                    found.setdefault(code)
                elif heirs and all(one in self.known.active for one in heirs):
                    named = ", ".join(f"{self.known.active[one][0]} ({one})" for one in heirs)
                    row.notices.append(
                        f"Le code {code} n’est plus en vigueur{NBSP}: la commune est aujourd’hui "
                        f"{named}."
                    )
                    found.update(dict.fromkeys(heirs))
                else:
                    unknown.append(code)
            if unknown:
                said = ", ".join(unknown[:5]) + ("…" if len(unknown) > 5 else "")
                many = len(unknown) > 1
                self.file.fault(
                    row,
                    "communes",
                    f"{said} {'ne sont les codes' if many else 'n’est le code'} INSEE d’aucune "
                    "commune, ni d’aujourd’hui ni d’une année passée. Corrigez "
                    f"{'-les' if many else '-le'}.".replace("Corrigez -", "Corrigez-"),
                )
            cities = {self.known.active[code][4] for code in found} & found.keys()
            if cities:
                names = ", ".join(
                    self.known.active[str(code)][0] for code in sorted(map(str, cities))
                )
                self.file.fault(
                    row,
                    "communes",
                    f"{names} est en entier et par arrondissements : ses habitants compteraient "
                    "deux fois. Gardez l’un ou les autres.",
                )
            row.values["codes"] = list(found)

    def named(self, codes: Iterable[str]) -> str:
        """Some communes in words, « Albi (81004), Castres (81065) et 4 autres »."""
        ordered = sorted(codes)
        said = ", ".join(f"{self.known.active[one][0]} ({one})" for one in ordered[:SHOWN])
        return f"{said} et {len(ordered) - SHOWN} autres" if len(ordered) > SHOWN else said
