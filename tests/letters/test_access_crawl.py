"""Every address of a letter, as every kind of person, before and after the deposit.

The addresses are those of `letters/urls.py`: a new one fails here until a line below says what
it reads or writes.
"""

import json
import uuid
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from letters.models import LetterOfIntent
from letters.simulating import create_variant
from letters.urls import urlpatterns
from tests import factories
from tests.letters import cases
from workflow.models import CaseAttachment, CaseDocument, Snapshot
from writing import services as writing_services
from writing import tables
from writing.content import procedure_of
from writing.documents import issue_documents

pytestmark = pytest.mark.django_db

PDF: Final = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


class Asked(NamedTuple):
    """One request: the name of its address, its arguments, and for a POST what it sends."""

    name: str
    args: tuple[str, ...] = ()
    data: dict[str, Any] | str | None = None

    def __str__(self) -> str:
        method = "GET" if self.data is None else "POST"
        return " ".join([method, self.name, *self.args])


class Answered(NamedTuple):
    status_code: int
    location: str
    text: str


READS: Final = (
    Asked("detail"),
    Asked("step", ("identity",)),
    Asked("table-export", ("team", "csv")),
    Asked("table-export", ("team", "xlsx")),
    Asked("missing"),
    Asked("territory"),
    Asked("territory-year"),
    Asked("territory-codes"),
    Asked("territory-checks"),
    Asked("attachments"),
    Asked("attachment", ("{attachment}",)),
    Asked("deposit"),
    Asked("preview"),
    Asked("document", ("{document}",)),
)
# Each one changes a draft when somebody who may write sends it.
WRITES: Final = (
    Asked(
        "step",
        ("identity",),
        {"rev-contact_profession": "1.", "f-contact_profession": "Infirmière"},
    ),
    Asked(
        "autosave",
        ("contact_profession",),
        json.dumps({"value": "Sage-femme", "revision": None}),
    ),
    Asked("table-import", ("team",), {"file": "{table}", "mode": "replace", "partial": "on"}),
    Asked("territory-change", ("ajouter",), {"code": "81271"}),
    Asked("territory-change", ("intercommunalite",), {"siren": "200066124"}),
    Asked("territory-change", ("departement",), {"departement": "31"}),
    Asked("territory-change", ("partie",), {"code": "31555", "nom": "Le Mirail"}),
    Asked("territory-change", ("confirmer",), {"code": "81271"}),
    Asked("territory-change", ("retirer",), {"part": "{part}"}),
    Asked("territory-change", ("selection",), {"code": "81271"}),
    Asked("territory-change", ("deselection",), {"code": "81140"}),
    Asked("territory-change", ("vider",), {}),
    Asked("attachment-add", ("other",), {"files": "{pdf}"}),
    Asked("attachment-defer", ("cerfa",), {"reason": "Une autre raison."}),
    Asked("attachment-remove", ("{attachment}",), {}),
)
# Nothing is written by these, or not by everyone who writes.
OTHERS: Final = (
    Asked("table-import", ("team",)),
    Asked("territory-change", ("vider",)),
    Asked("territory-change", ("liste",), {"liste": "Lavaur"}),
    Asked("attachment-remove", ("{attachment}",)),
    Asked("deposit", (), {"commits": "on", "signatory_name": "Zoé Petit", "place": "Albi"}),
    Asked("posting", (), {"posted_on": "2026-01-15"}),
    Asked("withdraw"),
    # Without its reason: nothing is withdrawn.
    Asked("withdraw", (), {"reason": " "}),
)
# The simulator is the team's alone: see `test_simulation.py` for who does what there.
SIMULATES: Final = (
    Asked("simulation"),
    Asked("variant", ("{variant}",)),
    Asked("variant-codes", ("{variant}",)),
    Asked("variant-create", (), {"nom": "Une autre"}),
    Asked("variant-rename", ("{variant}",), {"nom": "Un autre nom"}),
    Asked("variant-duplicate", ("{variant}",), {}),
    Asked("variant-delete", ("{variant}",)),
    Asked("variant-delete", ("{variant}",), {}),
    Asked("variant-adopt", ("{variant}",)),
    Asked("variant-adopt", ("{variant}",), {"revision": "0", "variante": "0"}),
    Asked("variant-change", ("{variant}", "ajouter"), {"code": "81271"}),
)
ALL: Final = (*READS, *WRITES, *OTHERS, *SIMULATES)

# Who has nothing to do with the letter, at any time.
STRANGERS: Final[dict[str, Callable[[LetterOfIntent], User]]] = {
    "someone without a CPTS": lambda _: factories.user(),
    "owner of another letter": lambda _: cases.draft("76").created_by,
    "office of another région": lambda _: cases.agent(cases.body("ars_branch", "32", "59")),
    "office of another département": lambda _: cases.agent(cases.body("ars_branch", "76", "31")),
    "owner acting for another office": lambda letter: cases.acting(
        letter.created_by, cases.body("ars_branch", "32", "62")
    ),
    "administrator": lambda _: factories.user(is_staff=True, is_superuser=True),
}
# Who sees the letter once it is deposited.
DESKS: Final[dict[str, Callable[[LetterOfIntent], User]]] = {
    "office in charge": lambda _: cases.agent(cases.body("one_stop_desk", "76")),
    "informed office": lambda _: cases.agent(cases.body("ars_branch", "76", "81")),
    "regional agency": lambda _: cases.agent(cases.body("ars", "76")),
}
TEAM: Final[dict[str, Callable[[LetterOfIntent], User]]] = {
    "owner": lambda letter: letter.created_by,
    "editor": lambda letter: factories.team_member(letter.community, role="editor").user,
    "reader": lambda letter: factories.team_member(letter.community, role="reader").user,
}


@pytest.fixture
def draft() -> LetterOfIntent:
    letter = cases.complete("76", communes=("81140",))
    slot = writing_services.slot_of(letter, "other")
    assert slot
    writing_services.attach(
        letter, slot, SimpleUploadedFile("carte.pdf", PDF), user=letter.created_by
    )
    create_variant(letter, letter.community.territory, "Variante", user=letter.created_by)
    return letter


@pytest.fixture
def deposited(draft: LetterOfIntent) -> LetterOfIntent:
    cases.file(draft)
    issue_documents(draft, Snapshot.objects.get(case=draft))
    return draft


def sign_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def ask(client: Client, letter: LetterOfIntent, asked: Asked) -> Answered:
    """Send the request; nothing it says may be an error of ours."""
    attachment = CaseAttachment.objects.filter(case=letter).first()
    document = CaseDocument.objects.filter(case=letter).first()
    part = letter.community.territory.parts.first()
    variant = letter.variants.first()
    known = {
        "{attachment}": str(attachment.attachment_id) if attachment else "",
        "{document}": str(document.document_id if document else uuid.uuid4()),
        "{part}": str(part.pk) if part else "0",
        "{variant}": str(variant.pk if variant else 0),
    }
    args = [letter.public_id, *(known.get(arg, arg) for arg in asked.args)]
    url = reverse(f"letters:{asked.name}", args=args)
    match asked.data:
        case None:
            response = client.get(url)
        case str():
            response = client.post(url, asked.data, content_type="application/json")
        case _:
            data = {key: _sent(letter, value, known) for key, value in asked.data.items()}
            response = client.post(url, data)
    return Answered(
        response.status_code,
        response.headers.get("Location", ""),
        b"".join(response).decode(errors="replace"),
    )


def _sent(letter: LetterOfIntent, value: str, known: dict[str, str]) -> Any:
    if value == "{pdf}":
        return SimpleUploadedFile("autre.pdf", PDF)
    if value == "{table}":
        table = procedure_of(letter).field("team")
        rows = [{column.key: f"Ligne de {column.key}" for column in table.columns}]
        return SimpleUploadedFile("equipe.csv", tables.to_csv(table, rows))
    return known.get(value, value)


_WATCHED: Final = (
    "workflow_case",
    "letters_letterofintent",
    "letters_territoryvariant",
    "workflow_answer",
    "workflow_caseattachment",
    "workflow_casedocument",
    "workflow_casedesk",
    "workflow_transitionlog",
    "workflow_snapshot",
    "workflow_clockevent",
    "workflow_referencecounter",
    "documents_attachment",
    "documents_officialdocument",
    "territories_territory",
    "territories_territorypart",
    "communities_community",
    "outbox_outboxevent",
)


def everything_stored() -> dict[str, list[str]]:
    """Every row of what a letter is made of."""
    rows = {}
    with connection.cursor() as cursor:
        for table in _WATCHED:
            cursor.execute(f"SELECT row::text FROM {table} row ORDER BY 1")  # noqa: S608 - names the test gives
            rows[table] = [text for (text,) in cursor.fetchall()]
    return rows


def test_every_address_of_a_letter_is_asked_for_here() -> None:
    assert {asked.name for asked in ALL} == {pattern.name for pattern in urlpatterns} - {"create"}


@pytest.mark.parametrize("asked", WRITES, ids=str)
def test_an_editor_changes_a_draft_at_each_writing_address(
    draft: LetterOfIntent, asked: Asked
) -> None:
    before = everything_stored()

    response = ask(sign_in(TEAM["editor"](draft)), draft, asked)

    assert response.status_code in {200, 302}
    assert everything_stored() != before


@pytest.mark.parametrize("state", ["draft", "deposited"])
def test_a_stranger_finds_nothing_at_any_address(
    request: pytest.FixtureRequest, state: str
) -> None:
    letter = request.getfixturevalue(state)
    clients = {who: sign_in(find(letter)) for who, find in STRANGERS.items()}
    before = everything_stored()

    for who, client in clients.items():
        found = {str(asked): ask(client, letter, asked) for asked in ALL}
        assert (who, statuses(found)) == (who, dict.fromkeys(found, 404))
        assert not [name for name, said in found.items() if letter.title in said.text]

    assert everything_stored() == before


def test_a_desk_finds_nothing_before_the_deposit(draft: LetterOfIntent) -> None:
    for who, find in DESKS.items():
        client = sign_in(find(draft))
        found = {str(asked): ask(client, draft, asked) for asked in ALL}
        assert (who, statuses(found)) == (who, dict.fromkeys(found, 404))


def test_a_desk_finds_no_simulator_after_the_deposit_either(deposited: LetterOfIntent) -> None:
    before = everything_stored()

    for who, find in DESKS.items():
        client = sign_in(find(deposited))
        found = {str(asked): ask(client, deposited, asked) for asked in SIMULATES}
        assert (who, statuses(found)) == (who, dict.fromkeys(found, 404))

    assert everything_stored() == before


def test_a_visitor_is_asked_to_sign_in(deposited: LetterOfIntent) -> None:
    before = everything_stored()

    answers = {str(asked): ask(Client(), deposited, asked) for asked in ALL}

    assert answers.pop("POST autosave contact_profession").status_code == 401
    assert {
        name: (response.status_code, response.location.partition("?")[0])
        for name, response in answers.items()
    } == dict.fromkeys(answers, (302, reverse("account_login")))
    assert everything_stored() == before


def test_a_reader_of_a_draft_writes_nothing(draft: LetterOfIntent) -> None:
    client = sign_in(TEAM["reader"](draft))
    before = everything_stored()

    refused = {str(asked): ask(client, draft, asked) for asked in WRITES}

    assert statuses(refused) == dict.fromkeys(refused, 403)
    assert everything_stored() == before


def test_nobody_writes_a_deposited_letter(deposited: LetterOfIntent) -> None:
    clients = {who: sign_in(find(deposited)) for who, find in (TEAM | DESKS).items()}
    before = everything_stored()

    for who, client in clients.items():
        refused = {str(asked): ask(client, deposited, asked) for asked in WRITES}
        others = {str(asked): ask(client, deposited, asked) for asked in OTHERS}
        assert (who, statuses(refused)) == (who, dict.fromkeys(refused, 403))
        # A second press on the button is told it was done; the region wants no version to post.
        assert (who, statuses(others)) == (
            who,
            {
                "GET table-import team": 403,
                "GET territory-change vider": 403,
                "POST territory-change liste": 403,
                "GET attachment-remove {attachment}": 403,
                "POST deposit": 302,
                "POST posting": 422 if who == "owner" else 403,
                "GET withdraw": 200 if who == "owner" else 403,
                "POST withdraw": 422 if who == "owner" else 403,
            },
        )

    assert everything_stored() == before


def test_whoever_sees_a_deposited_letter_reads_it_and_its_papers(
    deposited: LetterOfIntent,
) -> None:
    for who, find in (TEAM | DESKS).items():
        client = sign_in(find(deposited))
        answers = {str(asked): ask(client, deposited, asked) for asked in READS}
        assert (who, statuses(answers)) == (
            who,
            {
                "GET detail": 200,
                "GET step identity": 302,
                "GET table-export team csv": 404,
                "GET table-export team xlsx": 404,
                "GET missing": 302,
                "GET territory": 200,
                "GET territory-year": 302,
                "GET territory-codes": 200,
                "GET territory-checks": 302,
                "GET attachments": 200,
                "GET attachment {attachment}": 200,
                "GET deposit": 302,
                "GET preview": 302,
                "GET document {document}": 200,
            },
        )


def statuses(answers: dict[str, Answered]) -> dict[str, int]:
    return {name: response.status_code for name, response in answers.items()}
