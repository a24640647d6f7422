"""Reading two years of communes, and bringing a territory from one to the next."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q

from territories.errors import TerritoryError
from territories.models import (
    Commune,
    CommuneSuccession,
    FormerCommune,
    Territory,
    TerritoryPart,
    Vintage,
)
from territories.reference import ReferenceData
from territories.succession import Held, Place, Step, YearChanges, propose, read_changes


def places_in_force() -> dict[str, Place]:
    """Every commune and arrondissement in force, by INSEE code, in one query."""
    rows = Commune.objects.filter(is_active=True).values_list(
        "code", "name", "department_id", "intercommunality_id", "population"
    )
    return {
        code: Place(code, name, department, siren or "", population)
        for code, name, department, siren, population in rows.iterator()
    }


def places_of(data: ReferenceData) -> dict[str, Place]:
    """The same from checked files."""
    return {
        code: Place(code, name, department, siren, int(population) if population else None)
        for code, _, name, department, _, siren, _, population in data.rows["communes"]
    }


def changes_to(data: ReferenceData) -> YearChanges:
    """What loading checked files would change in the communes in force, in two queries."""
    return read_changes(
        places_in_force(),
        places_of(data),
        former_before=dict(FormerCommune.objects.values_list("code", "current_id")),
        former_after={code: current for code, _, _, current in data.rows["former_communes"]},
    )


def steps_from(vintage: Vintage) -> list[Step]:
    """The changes of a load and of every later one, in their order, in one query."""
    return _steps(Q(vintage__gte=vintage.pk))


def steps_since(moment: datetime) -> list[Step]:
    """The changes loaded after a moment, in their order, in one query."""
    return _steps(Q(vintage__loaded_at__gt=moment))


def _steps(which: Q) -> list[Step]:
    links: dict[int, dict[str, tuple[str, ...]]] = {}
    names: dict[int, tuple[dict[str, str], dict[str, str]]] = {}
    rows = CommuneSuccession.objects.filter(which).order_by("vintage_id", "before_id", "after_id")
    for load, old, old_name, new, new_name in rows.values_list(
        "vintage_id", "before_id", "before_name", "after_id", "after_name"
    ):
        held = links.setdefault(load, {})
        held[old] = (*held.get(old, ()), new)
        before, after = names.setdefault(load, ({}, {}))
        before[old], after[new] = old_name, new_name
    return [Step(links[load], *names[load]) for load in sorted(links)]


# --- A draft follows ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A line of a territory beside its year: `population` in inhabitants, None: unknown."""

    code: str
    name: str
    part: str
    population: int | None

    def __str__(self) -> str:
        part = f", partie «\u00a0{self.part}\u00a0»" if self.part else ""
        return f"{self.name} ({self.code}){part}"


@dataclass(frozen=True)
class Redrawn:
    """A commune that keeps its code and changes its limits."""

    before: Line
    after: Line


@dataclass(frozen=True)
class Proposal:
    """The communes of the year in force for a territory drawn before, side by side.

    `removed` and `added` are what accepting changes; `redrawn` stay, under the same code, but have
    taken others in or let some go. `revision` is that of the territory when it was read.
    """

    vintage: Vintage
    cog_year_before: int
    cog_year: int
    revision: int
    removed: tuple[Line, ...]
    added: tuple[Line, ...]
    redrawn: tuple[Redrawn, ...]
    # Inhabitants of the territory, known figures only. A commune that does not change counts on
    # both sides for what it counts today: the difference is that of the communes alone.
    population_before: int
    population_after: int
    # Communes out of force that nothing is known to follow: the team takes them out.
    without_heir: tuple[Line, ...]
    lines: tuple[Held, ...]


def read_proposal(territory: Territory) -> Proposal | None:
    """What is proposed to the team of a territory; None when it has nothing to follow."""
    territory = Territory.objects.select_related("awaiting__previous").get(pk=territory.pk)
    if territory.awaiting is None:
        return None
    return _proposal(territory, territory.awaiting)


def _proposal(territory: Territory, vintage: Vintage) -> Proposal:
    rows = territory.parts.order_by("commune__name_key", "commune", "part_name").values_list(
        "commune_id", "part_name", "part_population"
    )
    held = [Held(*row) for row in rows]
    steps = steps_from(vintage)
    proposed = held
    for step in steps:
        proposed = propose(proposed, step)
    codes = {line.code for line in (*held, *proposed)}
    now = {
        code: (name, population, is_active)
        for code, name, population, is_active in Commune.objects.filter(code__in=codes).values_list(
            "code", "name", "population", "is_active"
        )
    }
    before = _figures_before(vintage, codes)

    def as_line(one: Held, figures: Mapping[str, tuple[str, int | None]]) -> Line:
        name, population = figures.get(one.code, now[one.code][:2])
        return Line(one.code, name, one.part, one.population if one.part else population)

    kept = {(line.code, line.part) for line in held} & {(o.code, o.part) for o in proposed}
    changed = {code for step in steps for code in step.links}
    old_lines = [as_line(line, before) for line in held]
    new_lines = [as_line(line, {}) for line in proposed]
    current = Vintage.objects.get(is_current=True)
    return Proposal(
        vintage=vintage,
        cog_year_before=vintage.previous.cog_year if vintage.previous else vintage.cog_year,
        cog_year=current.cog_year,
        revision=territory.revision,
        removed=tuple(one for one in old_lines if (one.code, one.part) not in kept),
        added=tuple(one for one in new_lines if (one.code, one.part) not in kept),
        redrawn=tuple(
            Redrawn(old, new)
            for old in old_lines
            for new in new_lines
            if old.code == new.code and new.code in changed and not (old.part or new.part)
        ),
        population_before=sum(one.population or 0 for one in old_lines),
        population_after=sum(one.population or 0 for one in new_lines),
        without_heir=tuple(one for one in new_lines if not now[one.code][2]),
        lines=tuple(proposed),
    )


def _figures_before(vintage: Vintage, codes: set[str]) -> dict[str, tuple[str, int | None]]:
    """Name and inhabitants of the communes as they were before a load."""
    rows = CommuneSuccession.objects.filter(vintage=vintage, before__in=codes)
    return {
        code: (name, population)
        for code, name, population in rows.values_list(
            "before_id", "before_name", "before_population"
        )
    }


def follow_year(territory: Territory, *, revision: int) -> Proposal:
    """Give a territory the communes proposed to it, and count the change in its revision.

    `revision` is the one the person read the proposal at. Raises TerritoryError, and changes
    nothing, when the territory has changed since or has nothing to follow.
    """
    with transaction.atomic():
        locked = (
            Territory.objects.select_for_update(of=("self",))
            .select_related("awaiting__previous")
            .get(pk=territory.pk)
        )
        if locked.awaiting is None:
            raise TerritoryError(
                "Il n’y a plus rien à accepter : le territoire a déjà les communes de l’année en "
                "vigueur. Rechargez la page pour le voir."
            )
        if locked.revision != revision:
            raise TerritoryError(
                "Rien n’a été changé : quelqu’un a modifié le territoire pendant que vous lisiez. "
                "Voici ce que cela donne maintenant ; relisez, puis acceptez."
            )
        proposal = _proposal(locked, locked.awaiting)
        present = {(part.commune_id, part.part_name): part for part in locked.parts.all()}
        wanted = {(line.code, line.part): line for line in proposal.lines}
        locked.parts.filter(
            pk__in=[part.pk for key, part in present.items() if key not in wanted]
        ).delete()
        TerritoryPart.objects.bulk_create(
            TerritoryPart(
                territory=locked,
                commune_id=line.code,
                part_name=line.part,
                part_population=line.population if line.part else None,
            )
            for key, line in wanted.items()
            if key not in present
        )
        Territory.objects.filter(pk=locked.pk).update(awaiting=None, revision=F("revision") + 1)
    territory.refresh_from_db(fields=["revision", "awaiting"])
    return proposal
