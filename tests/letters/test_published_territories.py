"""Territories that real CPTS published, entered as their leads would, and compared with what
was published of them."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from letters.models import LetterOfIntent
from territories.population import summarise
from territories.services import add_communes, add_intercommunality
from tests.letters import cases
from workflow.overlaps import find_overlaps, lines_of_case
from writing.content import procedure_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("loaded_organisations")]

PUBLISHED: list[dict[str, Any]] = tomllib.loads(
    (Path(__file__).parents[1] / "territories" / "published.toml").read_text()
)["territory"]
# A published figure is rounded to the thousand, and up to eight years older than our census:
# a suburb that grows by one inhabitant in a hundred each year is eight in a hundred away.
TOLERANCE = 0.08


def entered(one: dict[str, Any]) -> LetterOfIntent:
    letter = cases.draft(one["region"])
    territory = letter.community.territory
    if "intercommunality" in one:
        add_intercommunality(territory, one["intercommunality"])
    else:
        add_communes(territory, one["communes"].split())
    return letter


@pytest.mark.parametrize("one", PUBLISHED, ids=[one["name"] for one in PUBLISHED])
def test_a_published_territory_has_its_communes_its_population_and_its_size(
    one: dict[str, Any],
) -> None:
    letter = entered(one)

    summary = summarise(letter.community.territory)

    assert (summary.commune_count, summary.population, summary.size_class) == (
        one["commune_count"],
        one["population"],
        one["size"],
    )
    published = one.get("published_population", summary.population)
    assert summary.population == pytest.approx(published, rel=TOLERANCE)


def test_deposited_they_keep_their_size_and_none_meets_another() -> None:
    for one in PUBLISHED:
        letter = entered(one)
        cases.fill(letter)
        cases.file(letter)
        filed = LetterOfIntent.objects.get(pk=letter.pk)
        thresholds = procedure_of(filed).size_rule.thresholds
        assert (filed.population, filed.size_class) == (
            one["population"],
            one["size"] if thresholds else "",
        )
        assert find_overlaps(lines_of_case(filed), community_id=filed.community_id) == []
