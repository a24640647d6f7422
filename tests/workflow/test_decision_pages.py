"""The pages of a decision: who reads what and when, proposing, signing, withdrawing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Membership, Organisation, User
from letters.models import LetterOfIntent
from outbox.models import Mail
from tests import factories
from tests.letters import cases
from tests.mailbox import link_in
from tests.workflow import asking, deciding
from tests.writing.pages import text_of
from workflow.models import Decision, TransitionLog
from workflow.withdrawing import withdraw

pytestmark = pytest.mark.django_db

SECRET = "Les quatre maisons de santé du bassin portent le projet"


def sign_in(person: User) -> Client:
    """The person's browser, in the role they act in."""
    client = Client()
    client.force_login(User.objects.get(pk=person.pk))
    chosen = person.acting.pk if person.acting else ""
    client.post(reverse("accounts:switch_role"), {"membership": chosen})
    return client


def url(letter: LetterOfIntent, name: str = "decision") -> str:
    return reverse(f"cases:{name}", args=[letter.public_id])


def typed(**changes: Any) -> dict[str, Any]:
    return {
        "base_revision": "0",
        "outcome": "accept",
        "law_keys": deciding.LAW,
        "law_text": "",
        "fact_accept": deciding.FACTS,
        "fact_text": f"{SECRET}.",
        "reserves": "Associer les élus.\n\nAssocier l’hôpital.",
        "action": "propose",
        **changes,
    }


def people(letter: LetterOfIntent) -> dict[str, User]:
    """Everyone who may look at a letter of Hauts-de-France, and some who may not."""
    agency = deciding.agency(letter)
    also_agent = factories.team_member(letter.community, role="editor").user
    consulted = factories.organisation(Organisation.Kind.URPS, region=factories.region("32"))
    letter.desks.create(organisation=consulted, kind="consulted")
    other_branch = cases.body("ars_branch", "32", "80")
    letter.desks.create(organisation=other_branch, kind="informed")
    return {
        "instructor": deciding.instructor(letter),
        "coordinator": deciding.coordinator(letter),
        "agency agent": asking.member(agency, "agent"),
        "agency signatory": deciding.signatory(agency),
        "cpam signatory": deciding.signatory(deciding.cpam()),
        "cpam agent": asking.member(deciding.cpam(), "agent"),
        "owner": letter.created_by,
        "reader": factories.team_member(letter.community, role="reader").user,
        "editor acting for the agency": asking.acting(
            factories.membership(also_agent, agency, role="signatory")
        ),
        "body consulted": asking.acting(factories.membership(organisation_=consulted)),
        "informed branch": asking.member(other_branch, "agent"),
        "stranger": factories.user(),
        "administrator": factories.user(is_staff=True, is_superuser=True),
    }


PREPARE = {
    "instructor",
    "coordinator",
    "agency agent",
    "agency signatory",
    "cpam signatory",
    "cpam agent",
}
OUTSIDE = {"stranger", "administrator"}


def test_a_decision_is_unknown_to_all_but_those_who_prepare_it_until_it_is_taken() -> None:
    letter = deciding.under_review("32")
    clients = {who: sign_in(person) for who, person in people(letter).items()}
    pages = [url(letter), reverse("letters:detail", args=[letter.public_id])]
    elsewhere = ["/accueil/", "/bureau/", "/bureau/dossiers.csv", "/notifications/"]

    def readers(secret: str, paths: list[str]) -> set[str]:
        found = set()
        for who, client in clients.items():
            for path in paths:
                response = client.get(path, follow=True)
                assert response.status_code in {200, 403, 404}
                if secret in b"".join(response).decode():
                    found.add(who)
        return found

    deciding.propose(letter, reserves=["Associer les élus."])
    assert readers(SECRET, pages) == PREPARE
    assert readers(SECRET, elsewhere) == set()
    said = {who: text_of(client.get(url(letter))) for who, client in clients.items()}
    for who in clients.keys() - PREPARE - OUTSIDE:
        assert "proposée" not in said[who], who
        assert "Aucune décision n’est prise sur ce dossier." in said[who], who
        timeline = text_of(clients[who].get(pages[1]))
        assert "roposée" not in timeline, who
    pdf = {who: client.get(url(letter, "decision-preview")) for who, client in clients.items()}
    assert {who for who, got in pdf.items() if got["Content-Type"] == "application/pdf"} == PREPARE

    deciding.sign(letter, deciding.cpam())
    assert readers(SECRET, pages) == PREPARE
    deciding.sign(letter, deciding.agency(letter))
    assert readers(SECRET, [url(letter)]) == clients.keys() - OUTSIDE


def test_a_list_filtered_by_state_says_no_more_than_the_case() -> None:
    letter = deciding.under_review("32")
    who = people(letter)
    deciding.propose(letter)

    def listed(state: str) -> set[str]:
        found = set()
        for name in ("instructor", "agency agent", "body consulted", "informed branch"):
            page = sign_in(who[name]).get("/bureau/", {"etat": state, "onglet": "tous"})
            if str(letter.reference) in page.content.decode():
                found.add(name)
        return found

    assert listed("decision_proposed") == {"instructor"}
    assert listed("under_review") == {"agency agent", "body consulted", "informed branch"}


def test_an_instructor_writes_previews_saves_then_proposes_without_javascript() -> None:
    letter = deciding.under_review("32")
    client = sign_in(deciding.instructor(letter))
    assert client.get(url(letter, "decision-propose")).status_code == 200

    seen = client.post(url(letter, "decision-propose"), typed(action="preview"))
    assert seen.status_code == 200
    assert "Cette acceptation est assortie des réserves suivantes" in text_of(seen)
    assert not Decision.objects.exists()
    pdf = client.post(url(letter, "decision-preview"), typed())
    assert (pdf.status_code, pdf["Content-Type"]) == (200, "application/pdf")
    assert not Decision.objects.exists()

    saved = client.post(url(letter, "decision-propose"), typed(action="save"))
    assert (saved.status_code, saved.headers["Location"]) == (302, url(letter))
    assert asking.fresh(letter).state == "under_review"
    again = client.get(url(letter, "decision-propose"))
    assert SECRET in again.content.decode()

    client.post(url(letter, "decision-propose"), typed(base_revision="1"))
    decision = Decision.objects.get()
    assert asking.fresh(letter).state == "decision_proposed"
    assert decision.reserves == ["Associer les élus.", "Associer l’hôpital."]


def test_a_refusal_without_reasons_is_told_what_it_lacks_and_nothing_is_lost() -> None:
    letter = deciding.under_review()
    client = sign_in(deciding.instructor(letter))
    response = client.post(
        url(letter, "decision-propose"),
        typed(outcome="refuse", law_keys=[], fact_accept=[], fact_text="", reserves="À garder."),
    )
    said = text_of(response)
    assert response.status_code == 409
    assert "Un refus cite les textes sur lesquels il se fonde" in said
    assert "Un refus dit les faits propres à ce dossier" in said
    assert "À garder." in said
    assert set(response.context["form"].errors) == {"law_text", "fact_text", "reserves"}


def test_a_signatory_goes_from_the_mail_to_the_signature(
    deliver_outbox: Callable[[], int],
) -> None:
    letter = deciding.under_review("32")
    deciding.propose(letter)
    cpam, agency = (deciding.signatory(body) for body in (deciding.cpam(), deciding.agency(letter)))
    deliver_outbox()
    links = {who: link_in(Mail.objects.get(recipient=who.email)) for who in (cpam, agency)}
    assert set(links.values()) == {url(letter)}
    sha = Decision.objects.get().text_sha256

    first, second = sign_in(cpam), sign_in(agency)
    page = first.get(url(letter))
    assert "Approuver et signer" in text_of(page)
    lacking = first.post(url(letter, "decision-approve"), {"text_sha256": sha, "capacity": ""})
    assert (lacking.status_code, "Écrivez votre qualité" in text_of(lacking)) == (422, True)
    data = {"text_sha256": sha, "capacity": "Directeur"}
    first.post(url(letter, "decision-approve"), data)
    twice = first.post(url(letter, "decision-approve"), data, follow=True)
    assert "Action déjà effectuée par" in text_of(twice)
    done = second.post(url(letter, "decision-approve"), data, follow=True)
    assert "La décision est prise" in text_of(done)
    assert asking.fresh(letter).state == "accepted"


def test_who_may_not_act_is_refused_and_nothing_moves() -> None:
    letter = deciding.under_review("32")
    everyone = people(letter)
    deciding.propose(letter)
    before = TransitionLog.objects.count()
    sha = Decision.objects.get().text_sha256
    posts = {
        "decision-propose": typed(base_revision="1"),
        "decision-take-back": {},
        "decision-approve": {"text_sha256": sha, "capacity": "Directeur"},
        "decision-send-back": {"back-comment": "Non."},
        "decision-withdraw": {"comment": "Illégale."},
    }
    codes = {
        who: {
            name: sign_in(person).post(url(letter, name), data).status_code
            for name, data in posts.items()
        }
        for who, person in everyone.items()
        if who not in {"instructor", "coordinator", "agency signatory", "cpam signatory"}
    }
    assert codes == {who: dict.fromkeys(posts, 404 if who in OUTSIDE else 403) for who in codes}
    assert TransitionLog.objects.count() == before


def test_the_lead_reads_the_decision_its_remedies_and_what_comes_next(
    deliver_outbox: Callable[[], int],
) -> None:
    letter = deciding.accepted("32", reserves=["Associer les élus."])
    deliver_outbox()
    client = sign_in(letter.created_by)
    page = client.get(url(letter))
    said = text_of(page)
    for words in (
        "tribunal administratif de Lille",
        "dans un délai de deux mois",
        "Associer les élus.",
        "Et maintenant : le projet de santé",
    ):
        assert words in said.replace("\u00a0", " "), words
    link = next(line for line in page.content.decode().split('"') if "/documents/" in line)
    pdf = client.get(link)
    assert (pdf.status_code, pdf["Content-Type"]) == (200, "application/pdf")


def test_a_withdrawn_decision_keeps_its_paper_and_says_it_is_withdrawn(
    deliver_outbox: Callable[[], int],
) -> None:
    letter = deciding.accepted("32")
    deliver_outbox()
    public = reverse("communities:public", args=[letter.community.public_id])
    assert "Projet de santé en préparation" in text_of(Client().get(public))
    coordinator = sign_in(deciding.coordinator(letter))
    assert coordinator.get(url(letter, "decision-withdraw")).status_code == 200
    coordinator.post(url(letter, "decision-withdraw"), {"comment": "Une commune est déjà prise."})
    deliver_outbox()
    said = text_of(sign_in(letter.created_by).get(url(letter)))
    assert "Décision retirée" in said
    assert "Une commune est déjà prise." in said
    assert f"{letter.reference}-D1-R" in said
    assert "Décision retirée" in text_of(Client().get(public))


def test_the_public_page_names_nobody_and_is_there_only_once_something_is_decided() -> None:
    letter = deciding.under_review()
    public = reverse("communities:public", args=[letter.community.public_id])
    assert Client().get(public).status_code == 404
    deciding.propose(letter)
    deciding.sign(letter, deciding.agency(letter))
    response = Client().get(public)
    said = response.content.decode()
    assert response.status_code == 200
    assert letter.title in said
    for private in ("claire.fabre", "Martin", "Fabre", letter.reference):
        assert private not in said


def test_the_lead_withdraws_the_letter_with_a_reason() -> None:
    letter = deciding.under_review()
    client = sign_in(letter.created_by)
    page = reverse("letters:withdraw", args=[letter.public_id])
    assert page in client.get(reverse("letters:detail", args=[letter.public_id])).content.decode()
    assert client.post(page, {"reason": ""}).status_code == 422
    client.post(page, {"reason": "Le projet change."})
    assert asking.fresh(letter).state == "withdrawn"
    again = client.post(page, {"reason": "Le projet change."}, follow=True)
    assert "Action déjà effectuée par" in text_of(again)


# --- Delegations -------------------------------------------------------------------------------


def delegation(held: Membership, **changes: Any) -> dict[str, Any]:
    return {
        "holder": held.pk,
        "capacity": "Directrice adjointe",
        "act": "Décision du 3 mars 2026",
        "department": "",
        "valid_from": asking.in_days(0).isoformat(),
        "valid_to": asking.in_days(90).isoformat(),
        **changes,
    }


def test_a_coordinator_records_and_ends_delegations() -> None:
    cases.reference_rows()
    agency = cases.body("ars", "84")
    coordinator = asking.member(agency, "coordinator")
    holder = factories.membership(organisation_=agency)
    client = sign_in(coordinator)
    page = reverse("bodies:delegations", args=[agency.code])
    assert client.get(page).status_code == 200
    for changes in (
        {"holder": coordinator.acting.pk if coordinator.acting else 0},
        {"valid_to": asking.in_days(-1).isoformat()},
        {"valid_to": asking.in_days(9999).isoformat()},
        {"holder": factories.membership().pk},
    ):
        assert client.post(page, delegation(holder, **changes)).status_code == 422
    assert client.post(page, delegation(holder)).status_code == 302
    given = agency.signature_delegations.get()
    assert (given.holder, given.given_by) == (holder.user, coordinator)
    assert "En cours" in text_of(client.get(page))
    client.post(reverse("bodies:delegation-end", args=[agency.code, given.pk]))
    given.refresh_from_db()
    assert given.revoked_by == coordinator
    assert "Retirée" in text_of(client.get(page))


def test_delegations_are_for_the_people_of_the_organisation() -> None:
    cases.reference_rows()
    agency, branch = cases.body("ars", "84"), cases.body("ars_branch", "84", "01")
    Organisation.objects.filter(pk=branch.pk).update(parent=agency)
    people = {
        "coordinator": asking.member(agency, "coordinator"),
        "agent": asking.member(agency, "agent"),
        "coordinator of a branch": asking.member(branch, "coordinator"),
        "stranger": factories.user(),
    }
    for body, expected in (
        (agency, {"coordinator": 200, "agent": 200, "coordinator of a branch": 404}),
        (branch, {"coordinator": 200, "agent": 200, "coordinator of a branch": 200}),
    ):
        page = reverse("bodies:delegations", args=[body.code])
        seen = {who: sign_in(person).get(page).status_code for who, person in people.items()}
        assert seen == {**expected, "stranger": 404}
    page = reverse("bodies:delegations", args=[agency.code])
    assert sign_in(people["agent"]).post(page, {}).status_code == 403


@pytest.mark.parametrize("count", [1, 30])
def test_delegations_are_listed_in_as_few_queries(
    count: int, django_assert_num_queries: Any
) -> None:
    cases.reference_rows()
    agency = cases.body("ars", "84")
    for _ in range(count):
        deciding.delegate(agency)
    client = sign_in(asking.member(agency, "coordinator"))
    page = reverse("bodies:delegations", args=[agency.code])
    client.get(page)
    with django_assert_num_queries(11):
        client.get(page)


def test_the_page_is_read_in_as_few_queries_whatever_was_decided_before() -> None:
    letter = deciding.accepted("32")
    clients = {
        "lead": sign_in(letter.created_by),
        "signatory": sign_in(deciding.signatory(deciding.cpam())),
    }

    def queries(who: str) -> int:
        clients[who].get(url(letter))
        with CaptureQueriesContext(connection) as seen:
            assert clients[who].get(url(letter)).status_code == 200
        return len(seen)

    withdraw(letter, user=deciding.coordinator(letter), reason="Illégale.")
    deciding.propose(letter)
    once = {who: queries(who) for who in clients}
    for body in (deciding.cpam(), deciding.agency(letter)):
        deciding.sign(letter, body)
    withdraw(letter, user=deciding.coordinator(letter), reason="Illégale aussi.")
    deciding.propose(letter)
    twice = {who: queries(who) for who in clients}
    assert twice == once
    assert max(once.values()) <= 25
