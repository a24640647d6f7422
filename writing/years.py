"""The communes of a new year, as they are proposed to the team of a case."""

from dataclasses import dataclass

from cpts_portal.words import NBSP, figure
from territories.checks import people
from territories.population import size_class
from territories.years import Proposal, read_proposal
from writing.content import procedure_of, territory_of
from writing.models import WrittenCase
from writing.territory import plural


@dataclass(frozen=True)
class YearPage:
    """A proposal in words."""

    proposal: Proposal
    # « 4 506 habitants », before and after, and the difference.
    population_before: str
    population_after: str
    difference: str
    # « Taille 1 », empty where the procedure has none.
    size_before: str
    size_after: str

    @property
    def changes_size(self) -> bool:
        return self.size_before != self.size_after


def read_year_page(case: WrittenCase) -> YearPage | None:
    """What is proposed to the team, None when the communes are those of the year in force."""
    proposal = read_proposal(territory_of(case))
    if proposal is None:
        return None
    thresholds = procedure_of(case).size_rule.thresholds

    def size(population: int) -> str:
        return f"Taille {size_class(population, thresholds)[1]}" if thresholds else ""

    gap = proposal.population_after - proposal.population_before
    return YearPage(
        proposal=proposal,
        population_before=people(proposal.population_before),
        population_after=people(proposal.population_after),
        difference=f"{people(abs(gap))} de {'plus' if gap > 0 else 'moins'}"
        if gap
        else "aucune différence",
        size_before=size(proposal.population_before),
        size_after=size(proposal.population_after),
    )


def accepted(proposal: Proposal) -> str:
    """What has just been done, as a sentence."""
    said = [
        plural(len(lines), *words)
        for lines, words in (
            (proposal.removed, ("ligne en moins", "lignes en moins")),
            (proposal.added, ("ligne en plus", "lignes en plus")),
        )
        if lines
    ]
    gap = proposal.population_after - proposal.population_before
    if gap:
        said.append(f"{figure(abs(gap))} habitants de {'plus' if gap > 0 else 'moins'}")
    details = f"{NBSP}: {', '.join(said)}" if said else ""
    return f"Le territoire est celui des communes de {proposal.cog_year}{details}."
