"""Every person walks everywhere they can, and finds no word that was hidden from them."""

from collections.abc import Callable
from secrets import token_hex
from typing import Any

import pytest

from outbox.models import Mail
from tests.confidentiality.secrets import FOUND_BY_NOBODY, GUICHET, SECRETS
from tests.confidentiality.story import AGENT, LEAD, REVIEWER, Story, tell
from tests.confidentiality.walking import Walk

pytestmark = pytest.mark.django_db

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
    "outsider",
    "administrator",
)
# Who also asks for every address that anybody was led to.
PRYING = (LEAD, REVIEWER, AGENT, "colleague", "pharmacist", "outsider")


def hide(story: Story, *, late: bool) -> None:
    for secret in SECRETS:
        if secret.is_late == late:
            word = f"secret{secret.name}{token_hex(3)}"
            story.secrets[secret.name] = word
            secret.plant(story, word)


def walk(story: Story) -> dict[str, Walk]:
    walks = {name: Walk(story.people[name].enter()).everywhere() for name in WALKERS}
    addresses = dict.fromkeys(
        address
        for one in walks.values()
        for address in one.texts
        if not address.startswith("/administration/")
    )
    for name in PRYING:
        walks[name].also(addresses)
    return walks


def leaks(story: Story, walks: dict[str, Walk], *, handed_over: bool) -> list[str]:
    """Each word found by somebody it was hidden from, and where."""
    return [
        f"{secret.name} found by {name} at {pages[0]}"
        for secret in SECRETS
        if secret.name in story.secrets
        for name, one in walks.items()
        if name not in secret.readers(handed_over=handed_over)
        and (pages := one.pages_with(story.secrets[secret.name]))
    ]


def never_found(story: Story, walks: dict[str, Walk], *, handed_over: bool) -> set[str]:
    """Secrets that not even their readers find: hidden where this test does not look.

    What only the former office reads may lie behind a page it no longer has.
    """
    return {
        secret.name
        for secret in SECRETS
        if secret.name in story.secrets
        and not (handed_over and secret.before <= GUICHET and not secret.is_late)
        and not any(
            walks[name].pages_with(story.secrets[secret.name])
            for name in secret.readers(handed_over=handed_over).intersection(WALKERS)
        )
    }


def mails_that_say_too_much(story: Story, *, handed_over: bool) -> list[str]:
    """A mailbox is read in all the roles of its person: it holds nothing hidden from all."""
    roles: dict[str, set[str]] = {}
    for name, person in story.people.items():
        roles.setdefault(person.user.email, set()).add(name)
    return [
        f"{secret.name} mailed to {mail.recipient}"
        for mail in Mail.objects.all()
        for secret in SECRETS
        if secret.name in story.secrets
        and story.secrets[secret.name] in f"{mail.subject} {mail.text_body} {mail.html_body}"
        and roles.get(mail.recipient, set()).isdisjoint(secret.readers(handed_over=handed_over))
    ]


def searches_that_tell(story: Story, *, handed_over: bool) -> list[str]:
    """Searching a hidden word answers as searching a word that is nowhere."""
    told = []
    for name in (REVIEWER, AGENT, "nurses' president", "branch"):
        one = Walk(story.people[name].enter())
        nothing = one.search(f"nulle{token_hex(4)}")
        told += [
            f"{secret.name} searched by {name}"
            for secret in SECRETS
            if secret.name in story.secrets
            and name not in secret.readers(handed_over=handed_over)
            and one.search(story.secrets[secret.name]) != nothing
        ]
    return told


@pytest.mark.parametrize("handed_over", [False, True], ids=["asked", "handed over"])
def test_each_role_of_each_person_finds_only_what_is_for_it(
    deliver_outbox: Callable[[], int], caplog: Any, *, handed_over: bool
) -> None:
    story = tell()
    hide(story, late=False)
    if handed_over:
        story.hand_over()
        hide(story, late=True)
    deliver_outbox()

    walks = walk(story)

    # As one text: every leak is read in the failure.
    assert "\n".join(leaks(story, walks, handed_over=handed_over)) == ""
    assert mails_that_say_too_much(story, handed_over=handed_over) == []
    assert searches_that_tell(story, handed_over=handed_over) == []
    assert never_found(story, walks, handed_over=handed_over) <= FOUND_BY_NOBODY
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
