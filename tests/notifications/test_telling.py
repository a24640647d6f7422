"""One door: who is told, once, when they chose to be."""

import pytest
from django.core import mail as django_mail
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from accounts.models import Organisation
from notifications.kinds import KINDS, Cadence
from notifications.models import Choice, Notification
from notifications.services import About, choices_of, choose, mark_read, notify
from outbox.models import Mail
from tests import factories
from tests.mailbox import link_in, mails
from tests.notifications.telling import CASE, LUMBRES, acting, tell

pytestmark = pytest.mark.django_db


def test_a_person_is_told_once_in_their_centre_and_by_a_mail():
    agent = factories.membership()

    first = tell(agent.user, body=agent.organisation)
    again = tell(agent.user, body=agent.organisation)

    assert again.pk == first.pk
    (row,) = Notification.objects.values(
        "key", "kind", "recipient", "user", "body", "case", "about", "title", "action", "path"
    )
    assert row == {
        "key": "settled:1",
        "kind": "opinions_settled",
        "recipient": agent.user.email,
        "user": agent.user.pk,
        "body": agent.organisation.pk,
        "case": CASE,
        "about": "CPTS Pays de Lumbres · LI-32-2026-0001",
        "title": "Plus aucun avis n’est attendu",
        "action": "Voir les avis",
        "path": "/accueil/",
    }
    (mail,) = mails()
    assert mail.subject == (
        "CPTS Pays de Lumbres · LI-32-2026-0001 – plus aucun avis n’est attendu"
    )
    assert link_in(mail) == "/accueil/"
    assert first.mail == mail


def test_the_foot_of_a_mail_leads_a_person_to_their_choices_and_a_mailbox_nowhere():
    office = factories.organisation(email="bureau@exemple.test")
    tell(factories.user("a@exemple.test"))
    tell(office)

    found = {
        mail.recipient: ["/compte/courriels/" in body for body in (mail.text_body, mail.html_body)]
        for mail in mails()
    }
    assert found == {"a@exemple.test": [True, True], "bureau@exemple.test": [False, False]}


def test_an_organisation_without_a_mailbox_is_not_told(caplog):
    told = notify(
        "received",
        key="k",
        to=factories.organisation(name="Bureau muet"),
        about=LUMBRES,
        template="workflow/opinions_settled",
        context={},
        path="/",
    )

    assert (told, Notification.objects.count(), Mail.objects.count()) == (None, 0, 0)
    assert "Bureau muet has no mailbox" in caplog.text


def test_a_guest_without_an_account_is_written_to_at_once_by_address(deliver_outbox):
    name = default_storage.save("reunion.ics", ContentFile(b"BEGIN:VCALENDAR"))
    told = tell("Invitee@Exemple.test", kind="meeting", attachments=[(name, "reunion.ics")])
    deliver_outbox()
    assert (told.recipient, told.user, told.body) == ("invitee@exemple.test", None, None)
    assert "/compte/courriels/" not in told.mail.text_body
    assert django_mail.outbox[0].attachments == [
        ("reunion.ics", "BEGIN:VCALENDAR", "text/calendar")
    ]


def test_a_kind_nobody_declared_is_our_mistake():
    with pytest.raises(LookupError, match="inconnue"):
        tell(factories.user(), kind="inconnue")


@pytest.mark.parametrize(
    ("cadence", "mailed", "said"),
    [
        (Cadence.NOW, 1, "en attente"),
        (Cadence.DAILY, 0, "dans le récapitulatif du "),
        (Cadence.WEEKLY, 0, "dans le récapitulatif du "),
        (Cadence.NONE, 0, "sur le portail seulement"),
    ],
)
def test_each_person_is_mailed_when_they_chose(cadence, mailed, said):
    person = factories.user()
    choose(person, {"opinions_settled": cadence})

    told = tell(person)

    assert Mail.objects.count() == mailed
    assert told.delivery_in_words.startswith(said)
    assert list(Notification.objects.visible_to(person)) == [told]


@pytest.mark.parametrize("kind", [kind.key for kind in KINDS.values() if kind.legal])
def test_what_has_legal_effect_is_mailed_at_once_whatever_was_chosen(kind):
    person = factories.user()
    Choice.objects.create(user=person, kind=kind, cadence=Cadence.NONE)
    tell(person, kind=kind)
    assert Mail.objects.count() == 1


def test_nobody_chooses_for_what_has_legal_effect():
    person = factories.user()
    assert not {kind.key for kind in KINDS.values() if kind.legal} & choices_of(person).keys()
    with pytest.raises(ValueError, match="decision"):
        choose(person, {"decision": Cadence.NONE})


def test_what_waits_for_a_summary_follows_a_new_choice():
    person, kind = factories.user(), "opinions_settled"
    choose(person, {kind: Cadence.WEEKLY})
    told = tell(person)
    found = []
    for cadence in (Cadence.DAILY, Cadence.NONE):
        choose(person, {kind: cadence})
        told.refresh_from_db()
        found.append(told.cadence)
    assert found == ["daily", "none"]


def test_wanting_a_mail_at_once_brings_what_waits_to_the_next_day():
    person, kind = factories.user(), "opinions_settled"
    choose(person, {kind: Cadence.WEEKLY})
    told = tell(person)
    choose(person, {kind: Cadence.NOW})
    told.refresh_from_db()
    assert (told.cadence, choices_of(person)[kind]) == ("daily", "now")


def test_the_attachments_leave_with_the_mail_sent_at_once(deliver_outbox):
    name = default_storage.save("acte.pdf", ContentFile(b"%PDF-1.7"))
    tell(factories.user(), attachments=[(name, "acte.pdf")])
    deliver_outbox()
    assert [label for label, _, _ in django_mail.outbox[0].attachments] == ["acte.pdf"]


def test_a_long_name_is_cut_and_the_reference_and_the_reason_stay():
    about = About("CPTS " + "très " * 40 + "longue", "LI-32-2026-0001", CASE)
    told = tell(factories.user(), about=about)
    assert len(about.label) < 145
    assert told.mail.subject.endswith("… · LI-32-2026-0001 – plus aucun avis n’est attendu")


# --- In the role chosen ------------------------------------------------------------------


def test_a_person_with_two_roles_finds_what_each_was_told_and_nothing_of_the_other():
    person = factories.user()
    urps, office = (
        factories.membership(person, factories.organisation(kind))
        for kind in (Organisation.Kind.URPS, Organisation.Kind.ARS)
    )
    tell(person, key="team")
    tell(person, key="urps", body=urps.organisation)
    tell(person, key="office", body=office.organisation)

    def seen(user):
        return list(Notification.objects.visible_to(user).values_list("key", flat=True))

    assert [seen(person), seen(acting(urps)), seen(acting(office))] == [
        ["team"],
        ["urps"],
        ["office"],
    ]
    assert seen(factories.user()) == []


def test_reading_all_reads_what_is_seen_in_this_role_only():
    held = factories.membership()
    tell(held.user, key="team")
    tell(held.user, key="office", body=held.organisation)
    tell(factories.user(), key="other")

    assert [mark_read(None, user=acting(held)), mark_read(None, user=acting(held))] == [1, 0]
    assert sorted(Notification.objects.unread().values_list("key", flat=True)) == ["other", "team"]


def test_nobody_marks_as_read_what_another_person_was_told():
    told = tell(factories.user())
    assert mark_read([told.pk], user=factories.user()) == 0
    told.refresh_from_db()
    assert told.read_at is None


# --- For the office in charge --------------------------------------------------------------


def test_the_office_sees_who_was_told_but_not_what_goes_on_inside_a_body():
    body, office = factories.organisation(), factories.organisation()
    for kind, where in (
        ("opinion_requested", body),
        ("opinion_to_validate", body),
        ("opinion_to_validate", office),
        ("opinions_settled", office),
    ):
        tell(factories.user(), key=f"{kind}:{where.pk}", kind=kind, body=where)
    tell(factories.user(), key="elsewhere", about=About("Autre CPTS", "LI-32-2026-0002"))

    seen = Notification.objects.of_case(CASE, body=office).order_by("pk")

    assert [(row.kind, row.body) for row in seen] == [
        ("opinion_requested", body),
        ("opinion_to_validate", office),
        ("opinions_settled", office),
    ]
