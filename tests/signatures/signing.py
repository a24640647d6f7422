"""Campaigns for tests, on deposited letters: what is signed is their own PDF."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from letters.models import LetterOfIntent
from letters.writing import LETTER
from members.models import Member
from outbox.models import Mail
from outbox.services import deliver_pending
from signatures import campaigns
from signatures.models import Campaign, Invitation
from signatures.signable import Signable, declare_signable, forget_signable
from tests.letters import cases
from tests.members import making
from workflow.models import Snapshot
from writing.documents import issue_documents

SIGNABLE = Signable(
    kind="letter_of_intent", short="la lettre d’intention", label="lettre", document_kind=LETTER
)


@contextmanager
def letters_are_signed(**options: Any) -> Iterator[None]:
    """Until the block ends, a letter is a kind of case that members sign."""
    declare_signable(
        Signable(**{**{f: getattr(SIGNABLE, f) for f in ("kind", "short", "label")},
                    "document_kind": LETTER, **options})
    )  # fmt: skip
    try:
        yield
    finally:
        forget_signable("letter_of_intent")


def letter() -> LetterOfIntent:
    """A deposited letter with its PDF."""
    made = cases.deposited()
    issue_documents(made, Snapshot.objects.get(case=made))
    return made


def draft(of: LetterOfIntent | None = None, *, members: int = 2) -> Campaign:
    """A campaign in preparation, in a CPTS with these professionals and one structure."""
    of = of or letter()
    for _ in range(members):
        making.professional(of.community)
    if members:
        making.structure(of.community)
    return campaigns.prepare_campaign(
        of,
        closes_on=timezone.localdate() + timedelta(days=30),
        message="Merci à tous.",
        by=of.created_by,
    )


def opened(of: LetterOfIntent | None = None, *, members: int = 2) -> Campaign:
    made = draft(of, members=members)
    return campaigns.open_campaign(made, by=made.case.created_by)


def first(campaign: Campaign) -> Invitation:
    """The invitation of a professional."""
    return campaign.invitations.filter(member__kind="professional").order_by("pk")[0]


def of_structure(campaign: Campaign) -> Invitation:
    return campaign.invitations.get(member__kind="structure")


def link(invitation: Invitation) -> str:
    """The path of the link in the last mail written to a member."""
    deliver_pending()
    mail = Mail.objects.filter(recipient=invitation.email, text_body__contains="/signer/").last()
    assert mail, "no mail has a link"
    found = re.search(r"/signer/[\w-]+/", mail.text_body)
    assert found
    return found[0]


def code(invitation: Invitation) -> str:
    """The last code sent to a member."""
    mail = Mail.objects.filter(
        recipient=invitation.email, subject__contains="code pour signer"
    ).last()
    assert mail, "no code was sent"
    # An administrator reads subjects: the code is in the text only.
    assert not re.search(r"\d{3}", mail.subject)
    found = re.search(r"est\s: (\d{3}\s\d{3})", mail.text_body)
    assert found
    return found[1]


def ask_code(client: Client, path: str) -> Any:
    return client.post(f"{path}code/")


def sign(client: Client, path: str, typed: str) -> Any:
    return client.post(f"{path}signer/", {"code": typed, "answer": "sign"})


def member_signs(invitation: Invitation) -> None:
    """The three clicks."""
    client = Client()
    path = link(invitation)
    ask_code(client, path)
    answer = sign(client, path, code(invitation))
    assert answer.status_code == 302, answer.content.decode()


def url(campaign: Campaign, tail: str = "") -> str:
    return f"/cpts/{campaign.community.public_id}/signatures/{campaign.public_id}/{tail}"


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def members_of(campaign: Campaign) -> list[Member]:
    return [one.member for one in campaign.invitations.select_related("member").order_by("pk")]
