"""Every person walks everywhere they can, and finds no word that was hidden from them."""

from collections.abc import Callable
from secrets import token_hex
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.views.defaults import page_not_found

from cpts_portal import urls
from outbox.models import Mail
from tests.confidentiality.decision_secrets import DECISION_SECRETS
from tests.confidentiality.secrets import FOUND_BY_NOBODY, GUICHET, SECRETS, Stage
from tests.confidentiality.story import AGENT, LEAD, REVIEWER, Story, tell
from tests.confidentiality.walking import Walk

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def sessions_in_cookies(settings: Any) -> None:
    """Thousands of pages are read: their sessions need no row of the database."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"


@pytest.fixture(autouse=True)
def refusals_written_sparingly(monkeypatch: Any) -> None:
    """« Page introuvable » is written whole for each person, and once for each view.

    It reads nothing else of what was asked, and half of the pages of a walk are this one.
    """
    written: dict[tuple[str, Any], HttpResponse] = {}

    def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
        acting = getattr(request.user, "acting", None)
        reader = ("reader", (request.user.pk, acting and acting.pk))
        view = ("view", request.resolver_match and request.resolver_match.view_name)
        if reader not in written or view not in written:
            written[reader] = written[view] = page_not_found(request, exception)
        return HttpResponse(written[reader].content, status=404)

    monkeypatch.setattr(urls, "handler404", not_found, raising=False)


ALL = SECRETS + DECISION_SECRETS
# Who walks; the others only act. Together they are every reader that the rules know.
WALKERS = (
    LEAD,
    REVIEWER,
    AGENT,
    "colleague",
    "owner",
    "president",
    "nurses' president",
    "pharmacist",
    "guichet",
    "agency",
    "branch",
    "secretary",
    "outsider",
    "administrator",
)
# And once there are decisions.
WALKERS_OF_DECISIONS = (
    "coordinator",
    "signatory",
    "far lead",
    "far agent",
    "far cpam",
)
# Who also asks for every address that anybody was led to.
PRYING = (LEAD, REVIEWER, AGENT, "colleague", "pharmacist", "outsider")


def hide(story: Story, stage: Stage) -> None:
    for secret in ALL:
        if secret.since == stage:
            word = f"secret{secret.name}{token_hex(3)}"
            story.secrets[secret.name] = word
            secret.plant(story, word)


def walk(story: Story, stage: Stage) -> dict[str, Walk]:
    decided = stage == Stage.DECIDED
    people = WALKERS + (WALKERS_OF_DECISIONS if decided else ())
    walks = {name: Walk(story.people[name].enter()).everywhere() for name in people}
    addresses = dict.fromkeys(
        address
        for one in walks.values()
        for address in one.texts
        if not address.startswith("/administration/")
    )
    for name in PRYING + (("far agent",) if decided else ()):
        walks[name].also(addresses)
    return walks


def leaks(story: Story, walks: dict[str, Walk], stage: Stage) -> list[str]:
    """Each word found by somebody it was hidden from, and where."""
    return [
        f"{secret.name} found by {name} at {pages[0]}"
        for secret in ALL
        if secret.name in story.secrets
        for name, one in walks.items()
        if name not in secret.readers(stage)
        and (pages := one.pages_with(story.secrets[secret.name]))
    ]


def never_found(story: Story, walks: dict[str, Walk], stage: Stage) -> set[str]:
    """Secrets that not even their readers find: hidden where this test does not look.

    What only the former office reads may lie behind a page it no longer has.
    """
    return {
        secret.name
        for secret in ALL
        if secret.name in story.secrets
        and not (stage and secret.before <= GUICHET and secret.since == Stage.ASKED)
        and (secret.gone is None or stage < secret.gone)
        and not any(
            walks[name].pages_with(story.secrets[secret.name])
            for name in secret.readers(stage).intersection(walks)
        )
    }


def mails_that_say_too_much(story: Story, stage: Stage) -> list[str]:
    """A mailbox is read in all the roles of its person: it holds nothing hidden from all."""
    roles: dict[str, set[str]] = {}
    for name, person in story.people.items():
        roles.setdefault(person.user.email, set()).add(name)
    return [
        f"{secret.name} mailed to {mail.recipient}"
        for mail in Mail.objects.all()
        for secret in ALL
        if secret.name in story.secrets
        and story.secrets[secret.name] in f"{mail.subject} {mail.text_body} {mail.html_body}"
        and roles.get(mail.recipient, set()).isdisjoint(secret.readers(stage))
    ]


def searches_that_tell(story: Story, stage: Stage) -> list[str]:
    """Searching a hidden word answers as searching a word that is nowhere."""
    told = []
    for name in (REVIEWER, AGENT, "nurses' president", "branch"):
        one = Walk(story.people[name].enter())
        nothing = one.search(f"nulle{token_hex(4)}")
        told += [
            f"{secret.name} searched by {name}"
            for secret in ALL
            if secret.name in story.secrets
            and name not in secret.readers(stage)
            and one.search(story.secrets[secret.name]) != nothing
        ]
    return told


@pytest.mark.parametrize("stage", Stage)
def test_each_role_of_each_person_finds_only_what_is_for_it(
    deliver_outbox: Callable[[], int], caplog: Any, stage: Stage
) -> None:
    story = tell()
    for reached in Stage:
        if reached == Stage.HANDED_OVER and stage >= reached:
            story.hand_over()
        if reached <= stage:
            hide(story, reached)
    deliver_outbox()

    walks = walk(story, stage)

    # As one text: every leak is read in the failure.
    assert "\n".join(leaks(story, walks, stage)) == ""
    assert mails_that_say_too_much(story, stage) == []
    assert searches_that_tell(story, stage) == []
    assert never_found(story, walks, stage) <= FOUND_BY_NOBODY
    assert [word for word in story.secrets.values() if word in caplog.text] == []


def test_the_walk_goes_where_people_go(deliver_outbox: Callable[[], int]) -> None:
    story = tell()
    deliver_outbox()
    case = f"/dossiers/{story.theirs.public_id}"
    letter = f"/lettres/{story.theirs.public_id}/"
    guichet = Walk(story.people["guichet"].enter()).everywhere()
    expected = {letter, f"{case}/avis/", f"{case}/messages/", f"{case}/suivi/", "/bureau/"}
    assert expected <= set(guichet.texts)
    assert any("%pdf" in address or "/documents/" in address for address in guichet.texts)
