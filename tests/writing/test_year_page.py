import pytest
from django.test import Client

from communities.models import TeamMember
from letters.models import LetterOfIntent
from territories import loading
from territories.services import add_communes
from tests import factories
from tests.letters import cases
from tests.territories import cog_years
from workflow.services import IncompleteError
from writing.content import missing_before_deposit, read_content

pytestmark = pytest.mark.django_db

WAITING = (
    "Des communes du territoire ont changé au 1er janvier. Ouvrez la page du territoire, puis "
    "voyez et acceptez ce qui est proposé."
)


@pytest.fixture
def behind(loaded_territories: None) -> LetterOfIntent:
    """A complete draft of 2024 that holds a commune merged since, once 2026 is loaded."""
    today = cog_years.load_2024()
    letter = cases.complete("84", communes=("01053", "19223"))
    loading.load_data(today)
    return letter


def page(letter: LetterOfIntent) -> str:
    return f"/lettres/{letter.public_id}/territoire/nouvelle-annee/"


def communes(letter: LetterOfIntent) -> list[str]:
    rows = letter.community.territory.parts.order_by("commune_id")
    return list(rows.values_list("commune_id", flat=True))


def revision(letter: LetterOfIntent) -> int:
    return letter.community.territory.revision


def test_the_team_is_told_and_accepts_in_one_press(client: Client, behind: LetterOfIntent) -> None:
    client.force_login(behind.created_by)
    for url in (
        f"/lettres/{behind.public_id}/",
        f"/lettres/{behind.public_id}/territoire/",
        f"/lettres/{behind.public_id}/depot/",
    ):
        assert page(behind) in client.get(url).content.decode()
    shown = client.get(page(behind)).content.decode().replace("\u00a0", " ")
    assert "Saint-Martin-Sepert (19223), 267 habitants" in shown
    assert "Les Trois-Saints (19248), 1 388 habitants" in shown
    assert "1 121 habitants de plus" in shown
    assert communes(behind) == ["01053", "19223"]

    done = client.post(page(behind), {"revision": revision(behind)}, follow=True)
    said = [str(message).replace("\u00a0", " ") for message in done.context["messages"]]
    assert said == [
        (
            "Le territoire est celui des communes de 2026 : 1 ligne en moins, 1 ligne en plus, "
            "1 121 habitants de plus."
        )
    ]
    assert communes(behind) == ["01053", "19248"]
    assert page(behind) not in client.get(f"/lettres/{behind.public_id}/").content.decode()
    assert "il n’y a rien à accepter" in client.get(page(behind)).content.decode()


def test_a_letter_that_waits_is_not_deposited_and_says_what_to_do(behind: LetterOfIntent) -> None:
    missing = missing_before_deposit(read_content(behind))
    assert [one.sentence for one in missing] == [WAITING]
    with pytest.raises(IncompleteError):
        cases.file(behind)


def test_a_commune_nothing_is_known_to_follow_is_to_be_taken_out(behind: LetterOfIntent) -> None:
    territory = behind.community.territory
    type(territory).objects.filter(pk=territory.pk).update(awaiting=None)
    missing = missing_before_deposit(read_content(behind))
    assert [one.sentence for one in missing] == [
        (
            "Une commune du territoire n’est plus en vigueur. Retirez-la, puis ajoutez celle qui "
            "la remplace."
        )
    ]


def test_what_somebody_draws_meanwhile_is_not_lost(client: Client, behind: LetterOfIntent) -> None:
    client.force_login(behind.created_by)
    seen = revision(behind)
    add_communes(behind.community.territory, ["01004"])
    refused = client.post(page(behind), {"revision": seen})
    assert refused.status_code == 422
    assert "quelqu’un a modifié le territoire" in refused.content.decode()
    assert communes(behind) == ["01004", "01053", "19223"]
    for wrong in ("", "x", "9" * 40):
        assert client.post(page(behind), {"revision": wrong}).status_code == 422


def test_only_who_may_write_accepts(client: Client, behind: LetterOfIntent) -> None:
    reader = factories.user()
    TeamMember.objects.create(community=behind.community, user=reader, role="reader")
    client.force_login(reader)
    assert "peut l’accepter" in client.get(page(behind)).content.decode()
    assert client.post(page(behind), {"revision": revision(behind)}).status_code == 403
    client.force_login(factories.user())
    assert client.get(page(behind)).status_code == 404
    assert client.post(page(behind), {"revision": 1}).status_code == 404
    assert communes(behind) == ["01053", "19223"]
