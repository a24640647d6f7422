"""After a deposit: who is written to, once, with what."""

import pytest
from django.core import mail as django_mail
from django.urls import reverse

from accounts.models import Membership
from communities.models import TeamMember
from letters.models import LetterOfIntent
from letters.writing import LETTER
from outbox.models import Mail, OutboxEvent
from tests import factories
from tests.letters import cases
from tests.mailbox import link_in, mails
from workflow.models import CaseDocument, TransitionLog
from writing.documents import PAPER, RECEIPT
from writing.tasks import after_deposit

pytestmark = pytest.mark.django_db


def with_team(letter: LetterOfIntent) -> None:
    for role, address in (
        (TeamMember.Role.EDITOR, "redactrice@exemple.test"),
        (TeamMember.Role.READER, "lecteur@exemple.test"),
    ):
        TeamMember.objects.create(
            community=letter.community, user=factories.user(address), role=role
        )


def run(letter: LetterOfIntent) -> None:
    after_deposit(log_id=TransitionLog.objects.get(case_id=letter.pk, transition="deposit").pk)


def test_each_member_of_the_team_and_the_office_get_one_mail():
    letter = cases.complete(owner=factories.user("responsable@exemple.test"))
    with_team(letter)
    cases.file(letter)

    run(letter)

    assert {mail.recipient: [label for _, label in mail.attachments] for mail in mails()} == {
        "responsable@exemple.test": [f"{letter.reference}.pdf", f"{letter.reference}-AR.pdf"],
        "redactrice@exemple.test": [f"{letter.reference}.pdf", f"{letter.reference}-AR.pdf"],
        "lecteur@exemple.test": [f"{letter.reference}.pdf", f"{letter.reference}-AR.pdf"],
        letter.office.email: [f"{letter.reference}.pdf"],
    }


def test_mails_begin_with_the_name_and_the_reference_and_hold_one_link():
    letter = cases.deposited()
    run(letter)

    assert [
        (mail.subject.startswith(f"{letter.title} · {letter.reference} – "), link_in(mail))
        for mail in mails()
    ] == [(True, reverse("letters:detail", args=[letter.public_id]))] * 2


def test_mails_are_the_same_in_plain_text_and_in_html():
    letter = cases.deposited()
    run(letter)
    mail = mails(letter.office.email)[0]

    assert all(
        str(part) in body
        for part in (letter.reference, letter.title)
        for body in (mail.text_body, mail.html_body)
    )


def test_running_it_again_issues_and_writes_nothing_more():
    letter = cases.deposited("32", communes=("62041",))
    run(letter)
    before = (list(CaseDocument.objects.values()), list(Mail.objects.values()))

    run(letter)

    assert (list(CaseDocument.objects.values()), list(Mail.objects.values())) == before
    assert [row["kind"] for row in before[0]] == [LETTER, RECEIPT, PAPER]


def test_mail_of_a_region_that_wants_paper_carries_the_version_to_post():
    letter = cases.deposited("32", communes=("62041",))
    run(letter)
    to_lead = mails(letter.created_by.email)[0]

    assert [label for _, label in to_lead.attachments] == [
        f"{letter.reference}.pdf",
        f"{letter.reference}-AR.pdf",
        f"{letter.reference}-P.pdf",
    ]
    assert "version à poster" in to_lead.text_body


def test_office_without_a_mailbox_is_replaced_by_the_agency_s_coordinators(caplog):
    cases.reference_rows()
    office, agency = cases.body("ars_branch", "84", "01"), cases.body("ars", "84")
    type(office).objects.filter(pk=office.pk).update(email="")
    coordinator = factories.membership(
        factories.user("coordination@exemple.test"), agency, Membership.Role.COORDINATOR
    )
    factories.membership(organisation_=agency)
    factories.membership(
        factories.user("partie@exemple.test"),
        agency,
        Membership.Role.COORDINATOR,
        is_active=False,
    )
    letter = cases.deposited("84", communes=("01053",))

    run(letter)

    assert {mail.recipient for mail in mails()} == {
        letter.created_by.email,
        coordinator.user.email,
    }
    assert "has no mailbox" in caplog.text


def test_person_whose_account_is_closed_is_not_written_to():
    letter = cases.complete()
    with_team(letter)
    cases.file(letter)
    reader = factories.User.objects.get(email="lecteur@exemple.test")
    reader.is_active = False
    reader.save()

    run(letter)

    assert mails("lecteur@exemple.test") == []


def test_deposit_is_delivered_from_the_outbox_with_its_files(deliver_outbox):
    letter = cases.deposited("84", communes=("01053",))

    deliver_outbox()

    assert OutboxEvent.objects.get(handler="writing.deposited").done_at is not None
    assert sorted(
        (message.to[0], [name for name, _, _ in message.attachments])
        for message in django_mail.outbox
    ) == sorted(
        [
            (letter.created_by.email, [f"{letter.reference}.pdf", f"{letter.reference}-AR.pdf"]),
            (letter.office.email, [f"{letter.reference}.pdf"]),
        ]
    )
    assert django_mail.outbox[0].attachments[0][1].startswith(b"%PDF-1.7")
