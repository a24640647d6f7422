"""A body's opinion: drafted by a member, given by the president or a mandate holder, once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from communities.services import invite
from letters.models import LetterOfIntent
from outbox.models import Mail
from tests import factories
from tests.letters import cases
from tests.workflow import asking
from workflow.consultations import close_the_silent, revoke
from workflow.models import (
    Answer,
    Case,
    ConflictDeclaration,
    Consultation,
    Mandate,
    Opinion,
    Snapshot,
)
from workflow.opinions import (
    ConflictToDeclareError,
    conflict_suspected,
    declare_conflict,
    draft_opinion,
    end_mandate,
    give_mandate,
    send_back,
    set_communicable,
    validate_opinion,
)
from workflow.services import (
    ActionRefusedError,
    AlreadyDoneError,
    IncompleteError,
    perform,
)
from workflow.states import CaseState
from writing.consulting import consult

pytestmark = pytest.mark.django_db


@pytest.fixture
def body() -> Organisation:
    return asking.urps("Médecins")


@pytest.fixture
def letter(body: Organisation) -> LetterOfIntent:
    return asking.deposited_and_asked()


@pytest.fixture
def request_(letter: LetterOfIntent, body: Organisation) -> Consultation:
    return asking.request_to(letter, body)


def written(request: Consultation, user: User, **changes: Any) -> Opinion:
    base = Opinion.objects.filter(consultation=request, is_current=True).first()
    return draft_opinion(
        request,
        user=user,
        base_revision=base.revision if base else 0,
        **asking.favourable(**changes),
    )


# --- Drafting ----------------------------------------------------------------------------


def test_a_member_drafts_another_goes_on_and_the_president_gives_it(body, letter, request_):
    first = written(request_, asking.reviewer(body), marks={"missions": {"mark": "2"}})
    assert (first.marks, first.submitted_at) == ({"missions": {"mark": 2, "comment": ""}}, None)
    colleague = asking.acting(factories.membership(organisation_=body, role="reviewer"))
    second = written(request_, colleague, submit=True, reserves=[], text="  Relu.  ")
    assert (second.pk, second.revision, second.drafted_by, second.text) == (
        first.pk,
        2,
        colleague,
        "Relu.",
    )
    assert (
        Mail.objects.filter(subject__contains="avis à valider")
        .values_list("recipient", flat=True)
        .get()
        == asking.president(body).email
    )
    given = validate_opinion(request_, user=asking.president(body), revision=2)
    request_.refresh_from_db()
    assert (request_.state, given.validated_by, given.mandate, given.is_late) == (
        "given",
        asking.president(body),
        None,
        False,
    )
    assert (given.version_read, given.is_counted, given.communicable) == (1, True, False)


def everybody(letter: LetterOfIntent, body: Organisation) -> dict[str, User]:
    other = asking.urps("Infirmiers")
    return {
        "owner": letter.created_by,
        "reviewer": asking.reviewer(body),
        "president": asking.president(body),
        "reviewer elsewhere": asking.member(body, "reviewer", "31"),
        "body coordinator": asking.member(body, "coordinator"),
        "body agent": asking.member(body, "agent"),
        "other body's president": asking.president(other),
        "guichet coordinator": asking.coordinator(),
        "guichet president": asking.member(asking.guichet(), "president"),
        "agency agent": asking.member(asking.agency(), "agent"),
        "outsider": factories.user(),
        "administrator": factories.user(is_staff=True, is_superuser=True),
    }


def test_members_draft_presidents_validate_and_nobody_else(body, letter, request_):
    drafted = asking.draft(letter, body)
    verbs = {
        "draft": lambda user: written(request_, user),
        "validate": lambda user: validate_opinion(request_, user=user, revision=drafted.revision),
        "send back": lambda user: send_back(
            request_, user=user, revision=drafted.revision, comment="À revoir."
        ),
        "declare": lambda user: declare_conflict(request_, user=user, outcome="withdrawn"),
    }
    allowed: dict[str, set[str]] = {name: set() for name in verbs}
    for name, verb in verbs.items():
        for role, user in everybody(letter, body).items():
            savepoint = transaction.savepoint()
            try:
                verb(user)
            except PermissionDenied:
                continue
            allowed[name].add(role)
            transaction.savepoint_rollback(savepoint)
    assert allowed == {
        "draft": {"reviewer", "president"},
        "validate": {"president"},
        "send back": {"president"},
        "declare": {"reviewer", "president"},
    }


def test_a_committee_s_secretary_drafts_and_its_president_validates():
    committee = asking.regional_committee()
    letter = asking.deposited_and_asked("52", communes=("44114",))
    request = asking.request_to(letter, committee)
    opinion = draft_opinion(
        request,
        user=asking.member(committee, "secretary"),
        base_revision=0,
        position="favourable_with_reserves",
        reserves=["Associer les centres de santé.", "  "],
        submit=True,
    )
    assert (opinion.reserves, opinion.marks) == (["Associer les centres de santé."], {})
    with pytest.raises(PermissionDenied, match="Seul le président"):
        validate_opinion(request, user=asking.member(committee, "secretary"), revision=1)
    validate_opinion(request, user=asking.president(committee), revision=1)
    request.refresh_from_db()
    assert request.state == "given"


def test_a_member_removed_from_the_body_is_refused_and_the_draft_stays(body, letter, request_):
    reviewer = asking.reviewer(body)
    written(request_, reviewer)
    Membership.objects.filter(pk=reviewer.acting.pk).update(is_active=False)
    with pytest.raises(PermissionDenied, match="reste à cet organisme"):
        written(request_, reviewer, text="Encore un mot.")
    opinion = Opinion.objects.get(consultation=request_)
    assert (opinion.text, opinion.drafted_by) == ("Un projet solide.", reviewer)
    validate_opinion(request_, user=asking.president(body), revision=1)


def test_a_president_who_is_one_no_more_does_not_validate(body, letter, request_):
    drafted, president = asking.draft(letter, body), asking.president(body)
    Membership.objects.filter(pk=president.acting.pk).update(role="reviewer")
    with pytest.raises(PermissionDenied, match="a pris fin"):
        validate_opinion(request_, user=president, revision=drafted.revision)


def test_who_starts_from_an_older_draft_is_told_and_writes_nothing(body, letter, request_):
    written(request_, asking.reviewer(body), text="Le mien.")
    with pytest.raises(ActionRefusedError, match=f"modifié par {asking.reviewer(body)}"):
        draft_opinion(
            request_,
            user=asking.president(body),
            base_revision=0,
            **asking.favourable(text="Le leur."),
        )
    assert Opinion.objects.get(consultation=request_).text == "Le mien."


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"position": "maybe"}, "Cette position n’existe pas"),
        ({"text": "x" * 20_001}, "Le texte compte 20001 caractères"),
        ({"reserves": ["x"] * 31}, "30 réserves au plus"),
        ({"reserves": ["x" * 1_001]}, "Une réserve compte 1000 caractères au plus"),
        ({"marks": {"missions": {"mark": "9"}}}, "« 9 » n’est pas une note"),
    ],
)
def test_a_draft_has_its_bounds(body, letter, request_, changes, reason):
    with pytest.raises(ActionRefusedError) as refused:
        written(request_, asking.reviewer(body), **changes)
    assert reason in refused.value.message.replace("\u00a0", " ")
    assert not Opinion.objects.exists()


def test_a_null_character_is_left_out_of_what_is_stored(body, letter, request_):
    opinion = written(request_, asking.reviewer(body), text="Un\0 mot", reserves=["\0"])
    assert (opinion.text, opinion.reserves) == ("Un mot", [])


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"position": ""}, ["Choisissez la position de votre organisme."]),
        (
            {"position": "favourable_with_reserves"},
            ["Énoncez au moins une réserve, ou choisissez une autre position."],
        ),
        (
            {"reserves": ["Préciser l’est."]},
            ["Vous énoncez des réserves : choisissez « Favorable avec réserves », ou retirez-les."],
        ),
        (
            {"position": "unfavourable", "text": ""},
            ["Expliquez votre position : ce texte sert à la décision."],
        ),
        (
            {"position": "no_opinion", "text": "", "marks": {}},
            ["Expliquez votre position : ce texte sert à la décision."],
        ),
        (
            {"marks": {"missions": {"mark": 1}}},
            [
                "Notez le critère « Mobilisation des acteurs de santé ».",
                "Notez le critère « Identification du territoire ».",
            ],
        ),
        ({"position": "conflict_of_interest", "text": "", "marks": {}}, []),
        ({"position": "no_opinion", "marks": {}}, []),
        ({"position": "unfavourable"}, []),
    ],
)
def test_what_an_opinion_lacks_is_said_before_it_is_submitted_and_before_it_is_given(
    body, letter, request_, changes, missing
):
    drafted = written(request_, asking.reviewer(body), **changes)
    if not missing:
        assert validate_opinion(
            request_, user=asking.president(body), revision=drafted.revision
        ).is_given
        return
    for act in (
        lambda: written(request_, asking.reviewer(body), submit=True, **changes),
        lambda: validate_opinion(request_, user=asking.president(body), revision=1),
    ):
        with pytest.raises(IncompleteError) as refused:
            act()
        assert [one.replace("\u00a0", " ") for one in refused.value.missing] == missing
    drafted.refresh_from_db()
    assert (drafted.revision, drafted.is_given) == (1, False)


def test_a_body_that_is_only_informed_writes_no_opinion():
    cases.reference_rows()
    cpam = factories.organisation(
        "cpam", region=factories.region("52", "Pays de la Loire"), department_id="44"
    )
    letter = asking.deposited_and_asked("52", communes=("44114",))
    with pytest.raises(ActionRefusedError, match="pour information"):
        draft_opinion(
            asking.request_to(letter, cpam), user=asking.member(cpam, "agent"), base_revision=0
        )


# --- Validating --------------------------------------------------------------------------


def test_the_president_gives_what_they_have_read_and_nothing_else(body, letter, request_):
    drafted = asking.draft(letter, body)
    written(request_, asking.reviewer(body), text="Changé entre-temps.", submit=True)
    with pytest.raises(ActionRefusedError, match="a été modifié"):
        validate_opinion(request_, user=asking.president(body), revision=drafted.revision)
    assert not Opinion.objects.filter(validated_at__isnull=False).exists()


def test_nothing_is_validated_before_it_is_written(body, letter, request_):
    with pytest.raises(ActionRefusedError, match="Aucun projet d’avis"):
        validate_opinion(request_, user=asking.president(body), revision=0)


def test_what_was_given_is_neither_given_again_nor_rewritten(body, letter, request_):
    asking.give(letter, body)
    for act in (
        lambda: validate_opinion(request_, user=asking.president(body), revision=1),
        lambda: written(request_, asking.reviewer(body)),
        lambda: send_back(request_, user=asking.president(body), revision=1, comment="Trop tard."),
    ):
        with pytest.raises(AlreadyDoneError) as done:
            act()
        assert done.value.message.startswith(
            f"Action déjà effectuée par {asking.president(body)}, le "
        )


def test_a_draft_is_sent_back_with_what_to_change_and_comes_again(body, letter, request_):
    drafted = asking.draft(letter, body)
    president = asking.president(body)
    send_back(request_, user=president, revision=drafted.revision, comment="Citez le diagnostic.")
    drafted.refresh_from_db()
    assert (drafted.submitted_at, drafted.returned_by, drafted.return_comment) == (
        None,
        president,
        "Citez le diagnostic.",
    )
    mail = Mail.objects.get(subject__contains="à reprendre")
    assert mail.recipient == asking.reviewer(body).email
    assert "Citez le diagnostic." in mail.text_body
    again = written(request_, asking.reviewer(body), submit=True)
    assert (again.return_comment, again.returned_by, again.submitted_at is None) == (
        "",
        None,
        False,
    )


@pytest.mark.parametrize("comment", ["", " \n", "x" * 2_001])
def test_a_draft_is_not_sent_back_without_a_word_or_with_a_book(body, letter, request_, comment):
    drafted = asking.draft(letter, body)
    with pytest.raises(ActionRefusedError):
        send_back(request_, user=asking.president(body), revision=drafted.revision, comment=comment)


def test_only_a_submitted_draft_is_sent_back_and_once(body, letter, request_):
    president = asking.president(body)
    written(request_, asking.reviewer(body))
    with pytest.raises(ActionRefusedError, match="Aucun projet d’avis n’est soumis"):
        send_back(request_, user=president, revision=1, comment="Non.")
    written(request_, asking.reviewer(body), submit=True)
    send_back(request_, user=president, revision=2, comment="Non.")
    with pytest.raises(AlreadyDoneError):
        send_back(request_, user=president, revision=2, comment="Non.")


# --- Late --------------------------------------------------------------------------------


def test_an_opinion_given_on_its_last_day_counts(body, letter, request_):
    asking.overdue(request_, days=0)
    assert asking.give(letter, body).is_counted


@pytest.mark.parametrize("noted", [True, False])
def test_an_opinion_after_its_deadline_is_kept_as_late_and_not_counted(
    body, letter, request_, noted
):
    drafted = asking.draft(letter, body)
    asking.overdue(request_)
    if noted:
        close_the_silent()
    given = validate_opinion(request_, user=asking.president(body), revision=drafted.revision)
    request_.refresh_from_db()
    assert (given.is_late, given.is_counted, request_.state) == (True, False, "silent")
    assert list(request_.logs.values_list("action", flat=True)) == [
        "requested",
        "submitted",
        "fell_silent",
        "validated_late",
    ]
    assert not Opinion.objects.counted().exists()


@pytest.mark.parametrize("state", ["accepted", "tacitly_accepted", "refused", "closed"])
def test_an_opinion_after_the_decision_is_kept_as_late_and_not_counted(
    body, letter, request_, state
):
    Case.objects.filter(pk=letter.pk).update(state=state)
    given = asking.give(letter, body)
    assert (given.is_late, given.is_counted) == (True, False)


def test_a_new_version_of_the_case_says_which_opinions_read_the_one_before(body, letter, request_):
    other = asking.urps("Infirmiers")
    consult(case_id=letter.pk)
    first = asking.give(letter, body)
    Case.objects.filter(pk=letter.pk).update(version=2)
    second_request = Consultation.objects.create(
        case_id=letter.pk,
        body=other,
        kind="expected",
        line="urps",
        days=21,
        grid="guichet",
        silence="no_opinion",
        state="requested",
        requested_at=timezone.now(),
        due_on=asking.in_days(21),
    )
    second = written(second_request, asking.reviewer(other))
    case = Case.objects.get(pk=letter.pk)
    assert {one.version_read: one.is_on_older_version(case) for one in (first, second)} == {
        1: True,
        2: False,
    }


# --- Mandates ----------------------------------------------------------------------------


def test_a_mandate_holder_validates_in_the_president_s_place(body, letter, request_):
    drafted = asking.draft(letter, body)
    holder = asking.acting(factories.membership(organisation_=body, role="reviewer"))
    mandate = give_mandate(
        body,
        holder=holder,
        by=asking.president(body),
        valid_from=asking.today(),
        valid_to=asking.today(),
    )
    given = validate_opinion(request_, user=holder, revision=drafted.revision)
    assert (given.validated_by, given.mandate) == (holder, mandate)


@pytest.mark.parametrize(
    ("days", "revoked", "reason"),
    [
        ((-30, -1), False, "a pris fin le"),
        ((1, 30), False, "commence le"),
        ((-1, 30), True, "a été retiré le"),
    ],
)
def test_a_mandate_that_is_not_in_force_blocks_in_words(letter, request_, days, revoked, reason):
    body = request_.body
    drafted, holder = asking.draft(letter, body), asking.reviewer(body)
    mandate = Mandate.objects.create(
        body=body,
        holder=holder,
        given_by=asking.president(body),
        valid_from=asking.in_days(days[0]),
        valid_to=asking.in_days(days[1]),
    )
    if revoked:
        end_mandate(mandate, by=asking.president(body))
    with pytest.raises(PermissionDenied, match=reason):
        validate_opinion(request_, user=holder, revision=drafted.revision)


def test_a_mandate_is_given_by_the_president_to_a_member_for_a_year_at_most(body):
    president, reviewer = asking.president(body), asking.reviewer(body)
    today = asking.today()
    for changes, refused in [
        ({"by": reviewer}, PermissionDenied),
        ({"by": asking.president(asking.urps("Infirmiers"))}, PermissionDenied),
        ({"holder": factories.user()}, ActionRefusedError),
        ({"valid_to": asking.in_days(-1)}, ActionRefusedError),
        ({"valid_to": asking.in_days(367)}, ActionRefusedError),
    ]:
        given = {"holder": reviewer, "by": president, "valid_from": today, "valid_to": today}
        with pytest.raises(refused):
            give_mandate(body, **(given | changes))
    assert not Mandate.objects.exists()


# --- Conflicts of interest ---------------------------------------------------------------


def test_a_writer_of_the_letter_cannot_judge_it_and_can_only_step_aside(body):
    reviewer = asking.reviewer(body)
    letter = asking.deposited_and_asked(owner=User.objects.get(pk=reviewer.pk))
    request = asking.request_to(letter, body)
    with pytest.raises(ConflictToDeclareError, match="Vous êtes dans l’équipe de cette CPTS"):
        written(request, reviewer)
    with pytest.raises(ActionRefusedError, match="Vous écrivez ce dossier"):
        declare_conflict(request, user=reviewer, outcome="none", reason="Je suis impartial.")
    declare_conflict(request, user=reviewer, outcome="withdrawn")
    with pytest.raises(ActionRefusedError, match="Vous vous êtes déporté"):
        written(request, reviewer)
    with pytest.raises(AlreadyDoneError):
        declare_conflict(request, user=reviewer, outcome="none", reason="J’ai changé d’avis.")
    colleague = asking.acting(factories.membership(organisation_=body, role="reviewer"))
    assert written(request, colleague).drafted_by == colleague


def test_a_reader_of_the_team_says_why_there_is_no_conflict_then_writes(body, letter, request_):
    reviewer = asking.reviewer(body)
    factories.team_member(letter.community, reviewer, role="reader")
    with pytest.raises(ConflictToDeclareError, match="déclarez qu’il n’y a pas de conflit"):
        written(request_, reviewer)
    with pytest.raises(ActionRefusedError, match="Expliquez pourquoi"):
        declare_conflict(request_, user=reviewer, outcome="none", reason=" ")
    declaration = declare_conflict(
        request_, user=reviewer, outcome="none", reason="Je lis pour les conseiller."
    )
    assert (declaration.suspicion, declaration.reason) == (
        "Vous êtes dans l’équipe de cette CPTS, comme lecteur.",
        "Je lis pour les conseiller.",
    )
    assert written(request_, reviewer).drafted_by == reviewer
    declare_conflict(request_, user=reviewer, outcome="withdrawn")
    with pytest.raises(ActionRefusedError, match="déporté"):
        written(request_, reviewer)
    assert list(request_.logs.values_list("action", flat=True)) == [
        "requested",
        "no_conflict",
        "withdrew",
    ]


def test_an_address_found_in_the_letter_is_told_whatever_its_case(body):
    reviewer = asking.reviewer(body)
    letter = cases.complete("76")
    Answer.objects.filter(case=letter, key="contact_email").update(value=reviewer.email.upper())
    cases.file(letter)
    consult(case_id=letter.pk)
    assert conflict_suspected(letter, reviewer) == (
        "Votre adresse électronique figure dans le dossier déposé."
    )
    assert conflict_suspected(letter, asking.president(body)) is None
    with pytest.raises(ConflictToDeclareError, match="figure dans le dossier"):
        written(asking.request_to(letter, body), reviewer)


def test_an_address_written_in_a_table_or_a_text_is_found(body, letter):
    president = asking.president(body)
    snapshot = Snapshot.objects.get(case=letter)
    content = {"sections": [{"fields": [{"value": [{"mail": f"Voir {president.email}."}]}]}]}
    Snapshot.objects.filter(pk=snapshot.pk).update(content=content)
    assert conflict_suspected(letter, president) is not None
    assert conflict_suspected(letter, asking.reviewer(body)) is None


def test_who_is_invited_to_the_team_is_tied_to_it_until_that_ends(body, letter):
    reviewer = asking.reviewer(body)
    invitation = invite(
        community=letter.community,
        email=reviewer.email.upper(),
        role="reader",
        by=letter.created_by,
    )
    assert conflict_suspected(letter, reviewer) == (
        "Une invitation dans l’équipe de cette CPTS vous attend."
    )
    type(invitation).objects.update(revoked_at=timezone.now())
    assert conflict_suspected(letter, reviewer) is None


def test_a_president_in_conflict_does_not_validate(body, letter, request_):
    drafted = asking.draft(letter, body)
    president = asking.president(body)
    factories.team_member(letter.community, president, role="editor")
    with pytest.raises(ConflictToDeclareError):
        validate_opinion(request_, user=president, revision=drafted.revision)


def test_a_whole_body_may_withdraw(body, letter, request_):
    given = asking.give(letter, body, position="conflict_of_interest", text="", marks={})
    assert given.get_position_display() == "Déport pour conflit d’intérêts"


# --- Two at once, with real transactions -------------------------------------------------


def at_once(*jobs: Any) -> list[Any]:
    """Run each job in a thread of its own, all let go together; what each gave or raised."""
    start = Barrier(len(jobs))

    def run(job: Any) -> Any:
        try:
            start.wait(10)
            return job()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


@pytest.mark.django_db(transaction=True)
def test_two_presidents_at_once_give_one_opinion():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    drafted = asking.draft(letter, body)
    presidents = [
        asking.president(body),
        asking.acting(factories.membership(organisation_=body, role="president")),
    ]
    request = asking.request_to(letter, body)
    outcomes = at_once(
        *(
            lambda user=user: validate_opinion(request, user=user, revision=drafted.revision)
            for user in presidents
        )
    )
    (won,) = [one for one in outcomes if isinstance(one, Opinion)]
    (lost,) = [one for one in outcomes if isinstance(one, AlreadyDoneError)]
    assert lost.message.startswith(f"Action déjà effectuée par {won.validated_by}, le ")
    assert request.logs.filter(action="validated").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_members_who_draft_at_once_lose_nothing_unsaid():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    request = asking.request_to(letter, body)
    users = [asking.reviewer(body), asking.president(body)]
    outcomes = at_once(
        *(
            lambda user=user: draft_opinion(
                request, user=user, base_revision=0, **asking.favourable(text=str(user))
            )
            for user in users
        )
    )
    (won,) = [one for one in outcomes if isinstance(one, Opinion)]
    (lost,) = [one for one in outcomes if isinstance(one, ActionRefusedError)]
    assert Opinion.objects.get().text == str(won.drafted_by)
    assert f"modifié par {won.drafted_by}" in lost.message


@pytest.mark.django_db(transaction=True)
def test_two_instructors_at_once_one_takes_the_letter_up():
    cases.reference_rows()
    letter = cases.deposited("32", communes=("59350",))
    office = cases.body("ars_branch", "32", "59")
    agents = [
        asking.acting(factories.membership(organisation_=office, role="agent")) for _ in range(2)
    ]
    outcomes = at_once(
        *(lambda user=user: perform(asking.fresh(letter), "take_up", actor=user) for user in agents)
    )
    (won,) = [one for one in outcomes if not isinstance(one, Exception)]
    (lost,) = [one for one in outcomes if isinstance(one, AlreadyDoneError)]
    assert asking.fresh(letter).instructor == won.actor
    assert lost.message.startswith(f"Action déjà effectuée par {won.actor}, le ")


@pytest.mark.django_db(transaction=True)
def test_two_agents_at_once_take_up_a_letter_that_was_handed_over():
    letter = asking.deposited_and_asked()
    asking.write_synthesis(letter)
    perform(letter, "transmit", actor=asking.coordinator())
    agents = [
        asking.acting(factories.membership(organisation_=asking.agency(), role="agent"))
        for _ in range(2)
    ]
    outcomes = at_once(
        *(lambda user=user: perform(asking.fresh(letter), "take_up", actor=user) for user in agents)
    )
    assert sorted(type(one).__name__ for one in outcomes) == ["AlreadyDoneError", "TransitionLog"]
    letter = asking.fresh(letter)
    assert (letter.state, letter.instructor in agents) == (CaseState.UNDER_REVIEW, True)


@pytest.mark.django_db(transaction=True)
def test_ten_bodies_that_give_their_opinion_at_once_all_count_and_tell_the_office_once():
    bodies = [asking.urps(f"n° {number}") for number in range(10)]
    coordinator = asking.coordinator()
    letter = asking.deposited_and_asked()
    drafts = {body: asking.draft(letter, body) for body in bodies}
    requests = {body: asking.request_to(letter, body) for body in bodies}
    presidents = {body: asking.president(body) for body in bodies}
    outcomes = at_once(
        *(
            lambda body=body: validate_opinion(
                requests[body], user=presidents[body], revision=drafts[body].revision
            )
            for body in bodies
        )
    )
    assert {type(one) for one in outcomes} == {Opinion}
    assert Opinion.objects.counted().count() == 10
    told = Mail.objects.filter(subject__contains="plus aucun avis")
    assert list(told.values_list("recipient", flat=True)) == [coordinator.email]


@pytest.mark.django_db(transaction=True)
def test_an_opinion_given_while_it_is_revoked_is_one_or_the_other():
    body = asking.urps("Médecins")
    letter = asking.deposited_and_asked()
    drafted, request = asking.draft(letter, body), asking.request_to(letter, body)
    president, coordinator = asking.president(body), asking.coordinator()
    outcomes = at_once(
        lambda: validate_opinion(request, user=president, revision=drafted.revision),
        lambda: revoke(request, user=coordinator, reason="Doublon."),
    )
    assert len([one for one in outcomes if isinstance(one, ActionRefusedError)]) == 1
    drafted.refresh_from_db()
    state = Consultation.objects.get(pk=request.pk).state
    assert (drafted.is_given, state) in {(True, "given"), (False, "revoked")}


# --- What the database refuses whoever writes --------------------------------------------

NOT_GIVEN: dict[str, Any] = {"validated_at": None, "validated_by": None, "content": None}


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"position": "maybe"}, "opinion_known_position"),
        ({"validated_by": None}, "opinion_given_is_dated_signed_and_takes_a_position"),
        ({"position": ""}, "opinion_given_is_dated_signed_and_takes_a_position"),
        ({"position": "favourable_with_reserves"}, "opinion_with_reserves_lists_them"),
        ({"return_comment": "?"}, "opinion_returned_with_a_reason"),
        ({"returned_at": timezone.now()}, "opinion_returned_with_a_reason"),
        (
            {**NOT_GIVEN, "is_late": True},
            "opinion_draft_is_neither_late_nor_communicable",
        ),
        (
            {**NOT_GIVEN, "communicable": True},
            "opinion_draft_is_neither_late_nor_communicable",
        ),
        (
            {**NOT_GIVEN, "is_current": False},
            "opinion_replaced_was_given",
        ),
        ({"content": None}, "opinion_given_is_frozen"),
    ],
)
def test_the_database_refuses_an_opinion_that_is_not_one(
    body, letter, request_, change, constraint
):
    given = asking.give(letter, body)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Opinion.objects.filter(pk=given.pk).update(**change)


def test_the_database_refuses_two_current_opinions_and_two_declarations(body, letter, request_):
    given = asking.give(letter, body)
    given.pk = None
    with pytest.raises(IntegrityError, match="opinion_one_current"), transaction.atomic():
        given.save()
    reviewer = asking.reviewer(body)
    said = {"consultation": request_, "user": reviewer}
    with pytest.raises(IntegrityError, match="none_says_why"), transaction.atomic():
        ConflictDeclaration.objects.create(**said, outcome="none")
    ConflictDeclaration.objects.create(**said, outcome="withdrawn")
    with pytest.raises(IntegrityError, match="conflict_declaration_once"), transaction.atomic():
        ConflictDeclaration.objects.create(**said, outcome="withdrawn")


def test_only_an_opinion_that_was_given_is_communicated_and_by_the_office(body, letter, request_):
    drafted = written(request_, asking.reviewer(body))
    with pytest.raises(ActionRefusedError, match="n’est pas rendu"):
        set_communicable(drafted, user=asking.coordinator(), communicable=True)
    given = validate_opinion(request_, user=asking.president(body), revision=1)
    for user in (
        asking.president(body),
        letter.created_by,
        asking.member(asking.agency(), "agent"),
    ):
        with pytest.raises(PermissionDenied):
            set_communicable(given, user=user, communicable=True)
    for communicable in (True, True, False):
        set_communicable(given, user=asking.coordinator(), communicable=communicable)
    given.refresh_from_db()
    assert not given.communicable
    assert list(request_.logs.values_list("action", flat=True))[-2:] == [
        "made_communicable",
        "made_confidential",
    ]


# --- The RPPS number, beside the address ----------------------------------------------------

RPPS = "10101010105"


def with_number(body: Organisation) -> User:
    User.objects.filter(pk=asking.reviewer(body).pk).update(rpps=RPPS)
    return asking.reviewer(body)


def test_a_number_written_in_the_deposited_case_asks_for_a_declaration(body, letter, request_):
    person = with_number(body)
    assert conflict_suspected(letter, person) is None
    other = cases.complete()
    Answer.objects.update_or_create(
        case_id=other.pk,
        key="existing_tools",
        defaults={"value": "Dr Fabre, RPPS 101 0101 0105.", "updated_by": other.created_by},
    )
    cases.file(other)
    consult(case_id=other.pk)
    assert conflict_suspected(other, person) == ("Votre numéro RPPS figure dans le dossier déposé.")
    with pytest.raises(ConflictToDeclareError, match="RPPS"):
        written(asking.request_to(other, body), person)
    assert conflict_suspected(other, asking.president(body)) is None


def test_two_accounts_of_one_number_are_one_person(body, letter, request_):
    person = with_number(body)
    factories.team_member(letter.community, factories.user(rpps=RPPS), role="editor")
    assert "Vous êtes dans l’équipe" in (conflict_suspected(letter, person) or "")
    with pytest.raises(ActionRefusedError, match="déportez-vous"):
        written(request_, person)
    with pytest.raises(ActionRefusedError, match="Déportez-vous"):
        declare_conflict(request_, user=person, outcome="none", reason="Aucun.")


def test_two_people_without_a_number_are_not_taken_for_one(body, letter, request_):
    factories.team_member(letter.community, role="editor")
    assert conflict_suspected(letter, asking.reviewer(body)) is None
