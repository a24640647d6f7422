"""What the portal knows of the parties and the territory of a contract, as its terms say it."""

from dataclasses import dataclass
from datetime import date

from accounts.models import Organisation
from communities.legal import current_entity
from communities.models import Community, CommunityTerritory
from contracts import terms
from contracts.terms import Commune, Party
from territories.models import Territory
from territories.population import SIZE_THRESHOLDS, TerritorySummary, size_class, summarise
from territories.services import territory_as_data


def parties_of(
    community: Community, *, ars: Organisation, cpam: Organisation | None, on: date
) -> tuple[Party, ...]:
    """The parties as the portal knows them on a day: the association that carries the CPTS then,
    the agency, the fund when there is one."""
    entity = current_entity(community, on=on)
    first = Party(role=terms.CPTS, name=community.name)
    if entity is not None:
        first = Party(
            role=terms.CPTS,
            name=entity.name,
            legal_form=entity.get_form_display(),
            address=f"{entity.address}, {entity.postal_code} {entity.city}",
            rna=entity.rna,
            siret=entity.siret,
        )
    others = [(terms.ARS, ars), (terms.CPAM, cpam)]
    return (
        first,
        *(
            Party(role=role, name=one.name, address=" ".join(one.address.split()))
            for role, one in others
            if one is not None
        ),
    )


@dataclass(frozen=True)
class Ground:
    """The territory of a CPTS today: its communes, its population, its class, and their years."""

    communes: tuple[Commune, ...]
    year: int | None
    population: int | None
    population_year: int | None
    population_source: str
    size: str
    departments: tuple[str, ...]


def ground_of(community: Community, *, territory_id: int | None = None) -> Ground:
    """Read from the current territory of the CPTS; nothing in it when it has none.

    `territory_id` is its number, when the caller has read it: one statement less.
    """
    if territory_id is None:
        links = CommunityTerritory.objects.filter(community=community, valid_to=None)
        territory_id = links.values_list("territory_id", flat=True).first()
    if territory_id is None:
        return Ground((), None, None, None, "", "", ())
    territory = Territory(pk=territory_id)
    summary: TerritorySummary = summarise(territory)
    communes = tuple(
        Commune(code=one["code"], name=one["name"], part=one["part_name"])
        for one in territory_as_data(territory)
    )
    counted = summary.population if communes else None
    source = f"Insee, populations légales {summary.population_year}" if counted else ""
    return Ground(
        communes,
        summary.cog_year,
        counted,
        summary.population_year if counted else None,
        source,
        size_class(counted, SIZE_THRESHOLDS) if counted else "",
        tuple(one.code for one in summary.departments),
    )
