"""Two people draw the same territory in the same second."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from territories import services
from territories.models import Territory
from territories.services import TerritoryError


def at_once(*actions) -> list[str]:
    """Run the actions together, each on its own connection; return what each one said."""
    start = Barrier(len(actions))

    def run(action) -> str:
        try:
            start.wait()
            action()
        except TerritoryError as error:
            return error.message
        else:
            return "done"
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return sorted(pool.map(run, actions))


@pytest.mark.django_db(transaction=True)
def test_the_same_commune_added_twice_at_once_is_there_once(loaded_territories: None) -> None:
    territory = Territory.objects.create()

    def add() -> None:
        services.add_communes(Territory.objects.get(pk=territory.pk), ["81004"])

    assert at_once(add, add, add) == [
        "Albi (81004) est déjà dans le territoire.",
        "Albi (81004) est déjà dans le territoire.",
        "done",
    ]
    territory.refresh_from_db()
    assert (territory.parts.count(), territory.revision) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_a_commune_never_stands_whole_and_by_parts(loaded_territories: None) -> None:
    territory = Territory.objects.create()

    def whole() -> None:
        services.add_communes(Territory.objects.get(pk=territory.pk), ["81004"])

    def part() -> None:
        services.add_part(Territory.objects.get(pk=territory.pk), "81004", "Centre")

    assert at_once(whole, part).count("done") == 1
    assert territory.parts.count() == 1
