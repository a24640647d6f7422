"""Ten opinions asked, drafted and given: what each page costs, and what it says to each."""

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Organisation, User
from desks.demo import make_accounts
from desks.play import CAST, OPINIONS, Play
from letters.models import LetterOfIntent

pytestmark = pytest.mark.django_db

MOST_QUERIES = 25
READERS = {
    "lead": "claire.fabre@exemple.test",
    "editor": "mathieu.rouquette@exemple.test",
    "office": "coordination.guichet@exemple.test",
    "agency": "ars.occitanie@exemple.test",
    "body reviewer": "reviewer.pharmaciens@exemple.test",
    "body president": "president.orthoptistes@exemple.test",
}
# Where a walk begins; links lead to the rest. Some readers have not all of them.
DOORS = (
    "lettres/{}/",
    "dossiers/{}/avis/",
    "dossiers/{}/suivi/",
    "dossiers/{}/territoire/",
    "dossiers/{}/delai/",
)


@pytest.fixture
def letter(loaded_organisations: None) -> LetterOfIntent:
    play = Play(lambda _line: None)
    make_accounts(CAST)
    letter = play.deposit("tarn-ouest")
    for key, script in OPINIONS.items():
        body = Organisation.objects.get(code=f"urps-{key}-occitanie")
        play.give_opinion(letter, body, script)
    play.deliver()
    return letter


def walk(client: Client, letter: LetterOfIntent) -> Iterator[tuple[str, int, str]]:
    """Every page of the case that links lead to: its address, its queries, its text."""
    waiting = [f"/{door.format(letter.public_id)}" for door in DOORS]
    seen: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            response = client.get(path)
        if response.streaming:
            b"".join(response.streaming_content)  # a file is closed once it is read
        if response.status_code != 200 or "text/html" not in response["content-type"]:
            continue
        text = html.unescape(response.content.decode())
        yield path, len(queries), text
        links = re.findall(r'href="(/[^"#?]*)[^"]*"', text)
        waiting += [link for link in links if str(letter.public_id) in link and link not in seen]


def texts_of(keys: set[str]) -> list[str]:
    return [text for key in keys for text in (OPINIONS[key].text, *OPINIONS[key].reserves)]


def test_no_page_costs_more_than_25_queries_and_none_says_what_is_not_for_its_reader(
    letter: LetterOfIntent,
) -> None:
    mine = {"body reviewer": {"pharmaciens"}, "office": set(OPINIONS)}
    costly, told, walked = [], [], {}
    for reader, email in READERS.items():
        client = Client()
        client.force_login(User.objects.get(email=email))
        secret = texts_of(set(OPINIONS) - mine.get(reader, set()))
        # The dentist's words are too common to be looked for.
        secret = [text for text in secret if text != "Un projet solide."]
        pages: list[Any] = list(walk(client, letter))
        walked[reader] = len(pages)
        costly += [(reader, path, count) for path, count, _ in pages if count > MOST_QUERIES]
        told += [(reader, path, one) for path, _, text in pages for one in secret if one in text]
    assert (costly, told) == ([], [])
    assert min(walked.values()) >= 3
