"""Letters that are asked for complements, for tests."""

from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from letters.models import LetterOfIntent
from tests.letters import cases
from tests.workflow import asking
from workflow.complement_asking import Asked, save_item, save_request, send, start_request
from workflow.models import CompletionItem, CompletionRequest
from workflow.services import perform
from writing import services as writing_services
from writing.buffer import open_buffer
from writing.content import procedure_of

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def reviewed(**more: Any) -> LetterOfIntent:
    """A letter of Hauts-de-France that an agent of the Nord has taken up."""
    letter = cases.deposited("32", communes=("59350",), **more)
    perform(letter, "take_up", actor=agent(letter))
    return asking.fresh(letter)


def agent(letter: LetterOfIntent) -> User:
    return asking.member(letter.office, "agent")


def file(name: str) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, PDF + name.encode())


def hand_over_and_take_up(letter: LetterOfIntent) -> None:
    """The Guichet hands the letter over to the agency, where an agent takes it up."""
    perform(asking.fresh(letter), "transmit", actor=asking.coordinator())
    received = asking.fresh(letter)
    perform(received, "take_up", actor=agent(received))


def asked(letter: LetterOfIntent, *items: Asked, days: int = 20) -> CompletionRequest:
    """A request sent by the office, for these items."""
    user = agent(letter) if letter.state == "under_review" else asking.coordinator()
    draft = start_request(letter, user=user)
    for item in items:
        save_item(draft, item, user=user)
    save_request(draft, user=user, message="Merci.", due_on=asking.in_days(days))
    return send(draft, user=user)


def item(key: str, **more: Any) -> Asked:
    return Asked(**({"key": key, "reason": "missing"} | more))


def of(request: CompletionRequest, key: str) -> CompletionItem:
    return request.items.get(key=key)


def as_team(letter: LetterOfIntent, person: User | None = None) -> LetterOfIntent:
    """The letter with what the team prepares, as its pages read it."""
    letter = asking.fresh(letter)
    open_buffer(letter, person or letter.created_by)
    return letter


def write(letter: LetterOfIntent, key: str, value: Any) -> None:
    """The team's answer to a field, as a page saves it."""
    letter = as_team(letter)
    field = procedure_of(letter).field(key)
    writing_services.save_answer(letter, field, value, user=letter.created_by, base_revision=None)


def attach(letter: LetterOfIntent, key: str, name: str = "carte.pdf") -> None:
    letter = as_team(letter)
    slot = writing_services.slot_of(letter, key)
    assert slot
    writing_services.attach(letter, slot, file(name), user=letter.created_by)


def answer(letter: LetterOfIntent, person: User | None = None) -> LetterOfIntent:
    """Deposit the answer, as the button does."""
    letter = asking.fresh(letter)
    perform(letter, "answer_completion", actor=person or letter.created_by)
    return asking.fresh(letter)
