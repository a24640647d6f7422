"""What an office does with the letters of its list: tabs, views, labels, notes, who follows."""

import random
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import Organisation, User
from cpts_portal.memo import Brief
from desks import inbox, options
from desks.choices import TABS, InboxChoices
from desks.deadlines import Deadline, deadline_in_words
from desks.lines import count_lines, lines_of
from desks.options import read_options
from desks.panel import read_panel
from tests import factories
from tests.desks.factories import deposited_letter, inform
from tests.letters import cases
from workflow.desk_tools import colleagues
from workflow.models import (
    Approval,
    Case,
    CaseLabel,
    Decision,
    DecisionParty,
    FollowedCase,
    OfficeLabel,
    PrivateNote,
    SavedView,
    SignatureDelegation,
    TransitionLog,
)
from workflow.states import CaseState

pytestmark = pytest.mark.django_db


@pytest.fixture
def office() -> Organisation:
    factories.department("81", "Tarn")
    factories.department("31", "Haute-Garonne")
    return factories.organisation(Organisation.Kind.ARS, name="ARS Occitanie")


@pytest.fixture
def agent(office: Organisation) -> User:
    return factories.membership(organisation_=office, role="agent").user


@pytest.fixture
def desk(client: Client, agent: User) -> Client:
    client.force_login(agent)
    return client


def sign_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def titles(response: Any) -> list[str]:
    return [row.title for row in response.context["rows"]]


def shown(client: Client, **query: Any) -> list[str]:
    return titles(client.get("/bureau/", query))


def tab_counts(client: Client) -> dict[str, str]:
    return {tab.key: tab.count for tab in client.get("/bureau/?onglet=tous").context["tabs"]}


# --- Tabs ----------------------------------------------------------------------------------------


def test_each_tab_lists_its_letters_and_says_how_many(
    desk: Client, office: Organisation, agent: User
) -> None:
    other = factories.user()
    for name, state, instructor in [
        ("À prendre", "under_review", None),
        ("Mienne", "under_review", agent),
        ("D’une collègue", "under_review", other),
        ("En attente de l’équipe", "completion_requested", agent),
        ("En consultation", "in_consultation", None),
        ("Proposée", "decision_proposed", other),
        ("Acceptée", "accepted", agent),
        ("Retirée", "withdrawn", None),
    ]:
        deposited_letter(office, name=name, state=state, instructor=instructor)
    inform(deposited_letter(factories.organisation(), name="Voisine"), office)
    lists = {tab.key: sorted(shown(desk, onglet=tab.key)) for tab in TABS}
    assert lists == {
        "a-signer": [],
        "a-prendre": ["À prendre"],
        "miens": ["En attente de l’équipe", "Mienne"],
        "porteur": ["En attente de l’équipe"],
        "avis": ["En consultation"],
        "a-decider": ["D’une collègue", "Mienne", "Proposée"],
        "decides": ["Acceptée", "Retirée"],
        "pour-avis": [],
        "information": ["Voisine"],
        "tous": sorted(
            [
                *("À prendre", "Mienne", "D’une collègue", "En attente de l’équipe"),
                *("En consultation", "Proposée", "Acceptée", "Retirée", "Voisine"),
            ]
        ),
    }
    # An agent who signs nothing has no tab to sign; nothing is asked of an agency here.
    assert tab_counts(desk) == {
        key: str(len(found)) for key, found in lists.items() if key not in {"a-signer", "pour-avis"}
    }


def propose(letter: Any, *parties: tuple[str, Organisation]) -> Decision:
    decision = Decision.objects.create(
        case_id=letter.pk,
        rank=1,
        state="proposed",
        outcome="accept",
        text={},
        text_sha256="0" * 64,
        proposed_at=timezone.now(),
        written_by=letter.created_by,
    )
    for decider, organisation in parties:
        DecisionParty.objects.create(decision=decision, decider=decider, organisation=organisation)
    return decision


def test_whoever_signs_has_what_their_body_has_not_signed(office: Organisation) -> None:
    branch = factories.organisation(Organisation.Kind.ARS_BRANCH, parent=office)
    fund = factories.organisation(Organisation.Kind.CPAM)
    letters = {
        name: deposited_letter(branch, name=name, state="decision_proposed")
        for name in ("À deux", "Signée par l’agence", "Sans proposition")
    }
    for letter in letters.values():
        inform(letter, office)
        inform(letter, fund)
    joint = propose(letters["À deux"], ("ars", office), ("am", fund))
    signed = propose(letters["Signée par l’agence"], ("ars", office), ("am", fund))
    Approval.objects.create(
        party=signed.parties.get(decider="ars"),
        text_sha256=signed.text_sha256,
        approved_by=joint.written_by,
        name="Anne Petit",
        capacity="Directrice",
    )

    def to_sign(organisation: Organisation, role: str = "signatory") -> list[str]:
        person = factories.membership(organisation_=organisation, role=role).user
        return sorted(shown(sign_in(person), onglet="a-signer"))

    assert to_sign(office) == ["À deux"]
    # The branch in charge signs for its agency.
    assert to_sign(branch) == ["À deux"]
    assert to_sign(fund) == ["Signée par l’agence", "À deux"]
    signatory = factories.membership(organisation_=fund, role="signatory").user
    tabs = sign_in(signatory).get("/bureau/?onglet=a-signer").context["tabs"]
    assert (tabs[0].key, tabs[0].count, tabs[0].is_current) == ("a-signer", "2", True)
    # A fund opens on its opinions: what it signs is said there too, to who signs.
    said = '<a href="/bureau/?onglet=a-signer">2 décisions à signer</a>'
    agent = factories.membership(organisation_=fund, role="agent").user
    desks = [sign_in(one).get("/bureau/avis/").content.decode() for one in (signatory, agent)]
    assert [said in html for html in desks] == [True, False]


def test_what_is_to_be_signed_follows_signatures_proposals_and_the_agency(
    office: Organisation,
) -> None:
    branch = factories.organisation(Organisation.Kind.ARS_BRANCH, parent=office)
    letter = deposited_letter(branch, name="Proposée", state="decision_proposed")
    inform(letter, office)
    decision = propose(letter, ("ars", office))

    def to_sign() -> list[list[str]]:
        return [
            shown(sign_in(factories.membership(organisation_=one, role="signatory").user),
                  onglet="a-signer")
            for one in (office, branch)
        ]  # fmt: skip

    assert to_sign() == [["Proposée"], ["Proposée"]]
    approval = Approval.objects.create(
        party=decision.parties.get(),
        text_sha256=decision.text_sha256,
        approved_by=decision.written_by,
        name="Anne Petit",
        capacity="Directrice",
    )
    assert to_sign() == [[], []]
    # The text has changed: it is to be signed again.
    Approval.objects.filter(pk=approval.pk).update(voided_at=timezone.now())
    assert to_sign() == [["Proposée"], ["Proposée"]]
    Organisation.objects.filter(pk=branch.pk).update(parent=None)
    assert to_sign() == [["Proposée"], []]
    Decision.objects.filter(pk=decision.pk).update(state="dropped")
    assert to_sign() == [[], []]


def test_a_proposed_decision_is_sorted_elsewhere_as_if_it_were_not(office: Organisation) -> None:
    other = factories.organisation()
    for name, state in [("Proposée", "decision_proposed"), ("Examinée", "under_review")]:
        inform(deposited_letter(other, name=name, state=state), office)
    client = sign_in(factories.membership(organisation_=office).user)
    # By their deposit, under one state.
    assert shown(client, tri="etat") == ["Proposée", "Examinée"]
    assert shown(client, tri="etat", etat="under_review") == ["Proposée", "Examinée"]


def test_a_case_is_given_to_those_who_may_follow_it(office: Organisation, agent: User) -> None:
    letter = deposited_letter(office, state="under_review", department_codes=["81"])
    for code, role in [
        ("81", "agent"),
        ("31", "agent"),
        (None, "coordinator"),
        (None, "signatory"),
    ]:
        department = factories.department(code).pk if code else None
        factories.membership(organisation_=office, role=role, department_id=department)
    factories.membership(organisation_=office).user.memberships.update(is_active=False)
    agent.acting = agent.memberships.select_related("organisation").get()
    offered = {person.pk for person in read_panel(letter, agent).people}
    assert offered == set(colleagues(letter).values_list("pk", flat=True))
    assert agent.pk in offered


def test_who_holds_a_delegation_has_the_tab_too(office: Organisation, agent: User) -> None:
    client = sign_in(agent)
    assert "a-signer" not in tab_counts(client)
    today = timezone.localdate()
    SignatureDelegation.objects.create(
        organisation=office,
        holder=agent,
        capacity="Adjointe",
        act="Arrêté",
        valid_from=today,
        valid_to=today,
        given_by=agent,
    )
    assert tab_counts(client)["a-signer"] == "0"


def test_a_consulted_body_has_its_own_tabs() -> None:
    body = factories.organisation(Organisation.Kind.URPS)
    inform(deposited_letter(factories.organisation(), name="Demandée"), body, kind="consulted")
    client = sign_in(factories.membership(organisation_=body, role="reviewer").user)
    assert tab_counts(client) == {"pour-avis": "1", "information": "0", "tous": "1"}


class CountsMatchLists(TestCase):
    @settings(max_examples=8, deadline=None)
    @given(st.integers(0, 10_000))
    def test_whatever_is_on_the_desk(self, seed: int) -> None:
        pick = random.Random(seed)  # noqa: S311 - no secret is drawn
        offices = [factories.organisation(Organisation.Kind.ARS) for _ in range(2)]
        people = [factories.membership(organisation_=one).user for one in offices]
        narrow = factories.membership(
            organisation_=offices[0], department_id=factories.department("31").pk
        ).user
        for _ in range(pick.randint(0, 12)):
            letter = deposited_letter(
                pick.choice(offices),
                state=pick.choice([state for state in CaseState if state != "draft"]),
                department_codes=pick.sample(["81", "31", "82"], pick.randint(1, 3)),
            )
            if pick.random() < 0.4:
                Case.objects.filter(pk=letter.pk).update(instructor=pick.choice(people))
            for one in offices:
                if pick.random() < 0.5 and one.pk != letter.office_id:
                    inform(letter, one, kind=pick.choice(["informed", "consulted"]))
        for person in [*people, narrow]:
            person.acting = person.memberships.select_related("organisation").get()
            counts = read_options(person).counts
            lists = {
                tab.key: count_lines(lines_of(person, InboxChoices(tab=tab.key)))
                for tab in TABS
                if tab.key != "a-signer"
            }
            assert counts == lists
            stored = [tab.key for tab in TABS if tab.stored]
            assert sum(counts[key] for key in stored) == counts["tous"]
            assert counts["tous"] == Case.objects.visible_to(person).count()


def test_a_tab_is_counted_each_time_unless_it_holds_twice_what_is_counted(
    office: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (inbox, options):
        monkeypatch.setattr(module, "COUNTED", 2)
    person = factories.membership(organisation_=office).user
    person.acting = person.memberships.select_related("organisation").get()
    deposited_letter(office, state=CaseState.DEPOSITED, department_codes=["81"])
    letters = [deposited_letter(office, state=CaseState.IN_CONSULTATION) for _ in range(5)]
    counts = read_options(person).counts
    assert (counts["a-prendre"], counts["avis"], counts["tous"]) == (1, 3, 3)
    Case.objects.filter(pk=letters[0].pk).update(state=CaseState.DEPOSITED)
    counts = read_options(person).counts
    assert (counts["a-prendre"], counts["avis"], counts["tous"]) == (2, 3, 3)


def test_what_is_kept_briefly_goes_with_time_and_with_what_is_newer() -> None:
    kept: Brief[str] = Brief(seconds=60, limit=2)
    for key in ("a", "b", "c"):
        kept.set(key, key.upper())
    assert [kept.get(key) for key in ("a", "b", "c")] == [None, "B", "C"]
    gone: Brief[str] = Brief(seconds=0, limit=2)
    gone.set("a", "A")
    assert gone.get("a") is None


def test_a_long_list_is_counted_in_words(
    desk: Client, office: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (inbox, options):
        monkeypatch.setattr(module, "COUNTED", 30)
    for _ in range(56):
        deposited_letter(office)
    response = desk.get("/bureau/?onglet=tous")
    assert "Plus de 30 dossiers" in response.content.decode()
    assert dict.fromkeys([tab_counts(desk)["tous"]]) == {"plus de 30": None}
    assert len(desk.get("/bureau/?onglet=tous&page=3").context["rows"]) == 6
    # What is filtered is counted as far, and its last page is reached by its links.
    pages, address = [], "?onglet=tous&taille=T2"
    while address:
        response = desk.get(f"/bureau/{address}")
        pages.append(len(response.context["rows"]))
        address = link(response.content.decode(), "Page suivante")
    assert pages == [25, 25, 6]
    assert desk.get("/bureau/?onglet=tous&taille=T2").context["listed"].count == "plus de 30"
    # Beyond the last page, the last page.
    assert len(desk.get("/bureau/?onglet=tous&taille=T2&page=50").context["rows"]) == 6


# --- Filters and deadlines -----------------------------------------------------------------------


def test_a_deadline_is_told_in_words_and_its_colour_repeats_them() -> None:
    today = timezone.localdate()

    def told(days: int, state: str = "running", until: int | None = None) -> tuple[str, str]:
        on = today + timedelta(days=days)
        limit = today + timedelta(days=until) if until is not None else None
        found = deadline_in_words(on, state, limit, today=today)
        assert (found.on, found.iso) == (f"{on:%d/%m/%Y}", on.isoformat())
        return found.words, found.tone

    assert {days: told(days) for days in (-3, -1, 0, 1, 2, 7, 12, 15, 16)} == {
        -3: ("dépassé depuis 3\u00a0jours", "error"),
        -1: ("dépassé depuis 1\u00a0jour", "error"),
        0: ("dernier jour", "error"),
        1: ("demain", "error"),
        2: ("dans 2\u00a0jours", "warning"),
        7: ("dans 7\u00a0jours", "warning"),
        12: ("dans 12\u00a0jours", "new"),
        15: ("dans 15\u00a0jours", "new"),
        16: ("dans 16\u00a0jours", "info"),
    }
    until = today + timedelta(days=4)
    assert told(40, "suspended", 4) == (f"suspendu jusqu’au {until:%d/%m/%Y} au plus", "")
    # A suspension that has ended by itself is over.
    assert told(2, "suspended", -1) == ("dans 2\u00a0jours", "warning")
    assert deadline_in_words(None, "suspended", None, today=today).words == "délai suspendu"
    assert deadline_in_words(None, "ended", None, today=today) == Deadline(
        words="pas de délai en cours"
    )


def test_letters_are_sorted_and_filtered_by_their_deadline(
    desk: Client, office: Organisation
) -> None:
    today = timezone.localdate()
    for name, days in [("Lointaine", 40), ("Dépassée", -2), ("Proche", 5), ("Sans", None)]:
        letter = deposited_letter(office, name=name)
        deadline = None if days is None else today + timedelta(days=days)
        Case.objects.filter(pk=letter.pk).update(deadline_on=deadline, clock_state="running")
    assert shown(desk, tri="echeance") == ["Dépassée", "Proche", "Lointaine", "Sans"]
    assert shown(desk, tri="-echeance") == ["Sans", "Lointaine", "Proche", "Dépassée"]
    assert shown(desk, echeance="proche") == ["Proche"]
    assert shown(desk, echeance="depassee") == ["Dépassée"]
    page = desk.get("/bureau/?onglet=tous").content.decode()
    assert "dépassé depuis 2\u00a0jours" in page


def test_what_is_asked_by_its_deadline_begins_with_the_most_pressing(
    desk: Client, office: Organisation
) -> None:
    today = timezone.localdate()
    for name, days in [("Ancienne", -9), ("Récente", -2), ("Entre", -5)]:
        letter = deposited_letter(office, name=name)
        Case.objects.filter(pk=letter.pk).update(
            deadline_on=today + timedelta(days=days), clock_state="running"
        )
    assert shown(desk, echeance="depassee") == ["Ancienne", "Entre", "Récente"]
    assert shown(desk, echeance="depassee", tri="-depot") == ["Entre", "Récente", "Ancienne"]


def test_letters_are_filtered_by_who_follows_them(
    desk: Client, office: Organisation, agent: User
) -> None:
    other = factories.membership(organisation_=office).user
    deposited_letter(office, name="Mienne", state="under_review", instructor=agent)
    deposited_letter(office, name="Autre", state="under_review", instructor=other)
    deposited_letter(office, name="Personne")
    assert shown(desk, suivi="moi") == ["Mienne"]
    assert shown(desk, suivi=str(other.pk)) == ["Autre"]
    assert shown(desk, suivi="personne") == ["Personne"]
    # Somebody of another office is no filter.
    assert len(shown(desk, suivi=str(factories.user().pk))) == 3


# --- The view that is kept, and the one that is shared -------------------------------------------


def test_the_last_view_comes_back_and_an_address_wins_over_it(
    desk: Client, office: Organisation
) -> None:
    deposited_letter(office, name="Petite", size_class="T1")
    deposited_letter(office, name="Grande", size_class="T4")
    first = desk.get("/bureau/")
    assert (titles(first), first.context["is_last_view"]) == (["Grande", "Petite"], False)
    assert shown(desk, taille="T1", tri="cpts") == ["Petite"]
    back = desk.get("/bureau/")
    assert (titles(back), back.context["is_last_view"]) == (["Petite"], True)
    assert "Voici votre dernière vue" in back.content.decode()
    # A colleague's address shows what it says.
    shared = desk.get("/bureau/?onglet=tous&tri=cpts")
    assert (titles(shared), shared.context["is_last_view"]) == (["Grande", "Petite"], False)


def test_a_search_is_not_kept_but_the_columns_chosen_meanwhile_are(
    desk: Client, office: Organisation, agent: User
) -> None:
    deposited_letter(office, name="CPTS Albi")
    assert shown(desk, q="albi") == ["CPTS Albi"]
    assert not SavedView.objects.filter(user=agent).exists()
    assert shown(desk, taille="T2") == ["CPTS Albi"]
    assert shown(desk, q="albi", onglet="tous") == ["CPTS Albi"]
    view = SavedView.objects.get(user=agent)
    assert view.query == "onglet=tous&taille=T2"
    assert shown(desk, q="albi", colonnes="etat") == ["CPTS Albi"]
    view.refresh_from_db()
    assert (view.query, view.columns) == ("onglet=tous&taille=T2", ["etat"])


def test_columns_are_chosen_and_kept_through_a_shared_address(
    desk: Client, office: Organisation
) -> None:
    deposited_letter(office)
    headings = desk.get("/bureau/", {"colonnes": ["etat", "depot", "secret"]}).context["headings"]
    assert [one.key for one in headings] == ["reference", "cpts", "depot", "etat"]
    again = desk.get("/bureau/?onglet=tous&taille=T2").context["headings"]
    assert [one.key for one in again] == ["reference", "cpts", "depot", "etat"]


def test_each_role_of_a_person_has_its_own_view(office: Organisation, agent: User) -> None:
    second = factories.membership(agent, factories.organisation(name="Autre organisme"))
    client = sign_in(agent)
    client.post("/compte/role/", {"membership": agent.memberships.exclude(pk=second.pk).get().pk})
    client.get("/bureau/?onglet=tous&taille=T1")
    client.post("/compte/role/", {"membership": second.pk})
    assert client.get("/bureau/").context["choices"].size == ""


# --- From one letter to the next -----------------------------------------------------------------


def link(page: str, label: str) -> str:
    found = re.search(rf'href="([^"]+)"[^>]*>{label}</a>', page)
    return found[1].replace("&amp;", "&") if found else ""


def test_a_letter_opened_from_a_list_leads_to_its_neighbours_in_that_order(
    loaded_organisations: None,
) -> None:
    letters = [cases.deposited("76", communes=("81140",)) for _ in range(3)]
    desk = sign_in(cases.agent(letters[0].office))
    rows = desk.get("/bureau/?onglet=tous&tri=reference").context["rows"]
    first, second, third = [row.url for row in rows]
    page = desk.get(second).content.decode()
    assert link(page, "Dossier précédent") == first
    assert link(page, "Dossier suivant") == third
    assert link(page, "Retour à la liste") == "/bureau/?onglet=tous&tri=reference"
    assert link(desk.get(first).content.decode(), "Dossier précédent") == ""
    assert link(desk.get(third).content.decode(), "Dossier suivant") == ""
    # Without a list there is no next one.
    assert "Dans la liste" not in desk.get(second.partition("?")[0]).content.decode()


def test_neighbours_are_those_of_a_place_when_the_letter_has_left_the_list(
    office: Organisation, agent: User
) -> None:
    letters = [deposited_letter(office) for _ in range(3)]
    agent.acting = agent.memberships.select_related("organisation").get()
    choices = InboxChoices(tab="a-prendre", order="depot")
    before = inbox.neighbours(letters[1], agent, choices, 2)
    Case.objects.filter(pk=letters[1].pk).update(state="accepted")
    after = inbox.neighbours(letters[1], agent, choices, 2)
    assert before.previous_url == after.previous_url
    assert [str(letters[2].public_id) in url for url in (before.next_url, after.next_url)] == [
        True,
        True,
    ]


# --- Labels --------------------------------------------------------------------------------------


@pytest.fixture
def label(office: Organisation, agent: User) -> OfficeLabel:
    return OfficeLabel.objects.create(organisation=office, name="À revoir", created_by=agent)


def test_an_office_makes_its_labels(desk: Client, office: Organisation) -> None:
    assert desk.post("/bureau/etiquettes/", {"nom": "  À  revoir ", "couleur": "pink"}).url == (
        "/bureau/etiquettes/"
    )
    assert list(OfficeLabel.objects.values_list("organisation", "name", "colour")) == [
        (office.pk, "À revoir", "pink")
    ]
    for name, colour, told in [
        ("à revoir", "blue", "a déjà une étiquette"),
        (" ", "blue", "Donnez un nom"),
        ("x" * 41, "blue", "41 caractères"),
        ("Autre", "#ff0000", "Choisissez une couleur"),
    ]:
        refused = desk.post("/bureau/etiquettes/", {"nom": name, "couleur": colour})
        assert refused.status_code == 422
        assert told in refused.content.decode()
    assert OfficeLabel.objects.count() == 1


def test_a_label_is_changed_and_removed_everywhere(
    desk: Client, office: Organisation, label: OfficeLabel
) -> None:
    letter = deposited_letter(office)
    CaseLabel.objects.create(label=label, case_id=letter.pk, put_by=label.created_by)
    address = f"/bureau/etiquettes/{label.pk}/"
    assert "retirée de 1 dossier." in desk.get(address).content.decode()
    desk.post(address, {"nom": "Prioritaire", "couleur": "green"})
    label.refresh_from_db()
    assert (label.name, label.colour) == ("Prioritaire", "green")
    desk.post(address, {"supprimer": "oui"})
    assert (OfficeLabel.objects.count(), CaseLabel.objects.count()) == (0, 0)


def test_several_letters_are_labelled_at_once_and_filtered_by_it(
    desk: Client, office: Organisation, label: OfficeLabel
) -> None:
    first, second, _ = (deposited_letter(office, name=f"CPTS {n}") for n in "ABC")
    ticked = {"dossier": [str(first.public_id), str(second.public_id)], "etiquette": label.pk}
    response = desk.post(
        "/bureau/lot/", ticked | {"action": "etiqueter", "liste": "onglet=tous&tri=cpts"}
    )
    assert response.url == "/bureau/?onglet=tous&tri=cpts"
    assert shown(desk, etiquette=label.pk) == ["CPTS B", "CPTS A"]
    rows = desk.get("/bureau/?onglet=tous&tri=cpts").context["rows"]
    assert [[one.name for one in row.labels] for row in rows] == [["À revoir"], ["À revoir"], []]
    desk.post("/bureau/lot/", {**ticked, "dossier": [str(first.public_id)], "action": "retirer"})
    assert shown(desk, etiquette=label.pk) == ["CPTS B"]


def test_the_label_of_another_office_is_refused_everywhere(
    desk: Client, office: Organisation
) -> None:
    other = factories.organisation()
    foreign = OfficeLabel.objects.create(
        organisation=other, name="Secrète", created_by=factories.user()
    )
    letter = deposited_letter(office, name="CPTS A")
    inform(letter, other)
    CaseLabel.objects.create(label=foreign, case_id=letter.pk, put_by=foreign.created_by)
    case = f"/bureau/dossiers/{letter.public_id}"
    assert desk.get(f"/bureau/etiquettes/{foreign.pk}/").status_code == 404
    assert desk.post(f"{case}/etiquettes/", {"etiquettes": [foreign.pk]}).status_code == 403
    desk.post(
        "/bureau/lot/",
        {"action": "retirer", "dossier": str(letter.public_id), "etiquette": foreign.pk},
    )
    assert CaseLabel.objects.count() == 1
    # As a filter it is unknown, and the list never says it.
    response = desk.get("/bureau/", {"onglet": "tous", "etiquette": foreign.pk})
    assert titles(response) == ["CPTS A"]
    assert "Secrète" not in response.content.decode()
    # Setting one's own labels leaves those of others.
    desk.post(f"{case}/etiquettes/", {})
    assert CaseLabel.objects.count() == 1


def test_a_letter_that_is_not_on_the_desk_is_not_found(desk: Client, label: OfficeLabel) -> None:
    foreign = deposited_letter(factories.organisation())
    case = f"/bureau/dossiers/{foreign.public_id}"
    asked = {
        f"{case}/suivi/": {"suivre": "oui"},
        f"{case}/attribution/": {"personne": ""},
        f"{case}/etiquettes/": {"etiquettes": [label.pk]},
        f"{case}/note/": {"note": "Vu."},
        "/bureau/lot/": {
            "action": "etiqueter",
            "dossier": str(foreign.public_id),
            "etiquette": label.pk,
        },
    }
    assert {url: desk.post(url, data).status_code for url, data in asked.items()} == (
        dict.fromkeys(asked, 404)
    )
    assert (CaseLabel.objects.count(), FollowedCase.objects.count()) == (0, 0)
    assert PrivateNote.objects.count() == 0


def test_nothing_of_a_desk_is_for_those_who_act_in_their_own_name(office: Organisation) -> None:
    owner = factories.user()
    letter = deposited_letter(office, owner=owner)
    client = sign_in(owner)
    case = f"/bureau/dossiers/{letter.public_id}"
    urls = [f"{case}/{what}/" for what in ("suivi", "attribution", "etiquettes", "note")]
    assert {url: client.post(url, {}).status_code for url in [*urls, "/bureau/lot/"]} == (
        dict.fromkeys([*urls, "/bureau/lot/"], 403)
    )
    assert client.get("/bureau/etiquettes/").status_code == 403


# --- Followed letters and notes ------------------------------------------------------------------


def test_a_person_follows_a_letter_in_one_role_only(
    desk: Client, office: Organisation, agent: User
) -> None:
    letter = deposited_letter(office, name="CPTS A")
    deposited_letter(office, name="CPTS B")
    url = f"/bureau/dossiers/{letter.public_id}/suivi/"
    desk.post(url, {"suivre": "oui"})
    desk.post(url, {"suivre": "oui"})
    assert shown(desk, suivis="oui") == ["CPTS A"]
    other = factories.organisation()
    inform(letter, other)
    client = sign_in(agent)
    client.post("/compte/role/", {"membership": factories.membership(agent, other).pk})
    assert shown(client, suivis="oui") == []
    desk.post(url, {"suivre": "non"})
    assert FollowedCase.objects.count() == 0


def test_a_note_is_read_by_nobody_else(loaded_organisations: None) -> None:
    letter = cases.deposited("76", communes=("81140",))
    author = cases.agent(letter.office)
    secret = "Rappeler le docteur Mystère avant jeudi"
    desk = sign_in(author)
    page = f"/lettres/{letter.public_id}/"
    back = desk.post(
        f"/bureau/dossiers/{letter.public_id}/note/",
        {"note": secret, "suite": "liste=onglet%3Dtous&rang=1&secret=1"},
    )
    assert back.url == f"{page}?liste=onglet%3Dtous&rang=1#bureau"
    assert secret in desk.get(page).content.decode()
    other_role = factories.membership(author, cases.body("ars", "76"))
    readers = {
        "colleague": sign_in(cases.agent(letter.office)),
        "agency": sign_in(cases.agent(cases.body("ars", "76"))),
        "lead": sign_in(letter.created_by),
        "the same person in another role": sign_in(author),
    }
    readers["the same person in another role"].post("/compte/role/", {"membership": other_role.pk})
    for who, client in readers.items():
        for url in (page, "/bureau/?onglet=tous&q=mystère", "/bureau/dossiers.csv?q=mystère"):
            response = client.get(url)
            text = b"".join(response).decode()
            assert (who, url, secret in text) == (who, url, False)
            # Searching it finds nothing either, for its author as for the others.
            assert letter.reference not in text or url == page
    assert letter.reference not in desk.get("/bureau/dossiers.csv?q=mystère").content.decode()
    desk.post(f"/bureau/dossiers/{letter.public_id}/note/", {"note": " "})
    assert PrivateNote.objects.count() == 0


# --- Who follows a letter for the office ---------------------------------------------------------


@pytest.fixture
def received(loaded_organisations: None) -> Any:
    """A letter just received by the office of the Nord, which examines it itself."""
    return cases.deposited("32", communes=("59350",))


def assign(client: Client, letter: Any, person: User | None) -> Any:
    return client.post(
        f"/bureau/dossiers/{letter.public_id}/attribution/",
        {"personne": person.pk if person else ""},
        follow=True,
    )


def told(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_giving_a_received_letter_to_a_colleague_takes_it_up(received: Any) -> None:
    coordinator = factories.membership(organisation_=received.office, role="coordinator").user
    colleague = cases.agent(received.office)
    client = sign_in(coordinator)
    assert told(assign(client, received, colleague)) == [f"Ce dossier est confié à {colleague}."]
    case = Case.objects.get(pk=received.pk)
    assert (case.state, case.instructor_id) == ("under_review", colleague.pk)
    assign(client, received, coordinator)
    assign(client, received, coordinator)
    assign(client, received, None)
    case = Case.objects.get(pk=received.pk)
    assert (case.state, case.instructor_id) == ("under_review", None)
    logs = TransitionLog.objects.filter(case=received.pk).order_by("pk")
    assert [log.transition for log in logs] == ["deposit", "take_up", "assign", "assign"]


def test_of_two_agents_who_take_a_letter_up_one_does_and_the_other_is_told(received: Any) -> None:
    first, second = cases.agent(received.office), cases.agent(received.office)
    pages = {person: sign_in(person) for person in (first, second)}
    address = f"/bureau/dossiers/{received.public_id}/attribution/"
    for client in pages.values():
        page = client.get(f"/lettres/{received.public_id}/").content.decode()
        assert 'name="prendre"' in page
    said = [
        told(client.post(address, {"personne": person.pk, "prendre": "1"}, follow=True))[0]
        for person, client in pages.items()
    ]
    assert said[0] == "Vous suivez maintenant l’instruction de ce dossier."
    assert said[1].startswith(f"Action déjà effectuée par {first}")
    case = Case.objects.get(pk=received.pk)
    assert (case.state, case.instructor_id) == ("under_review", first.pk)
    assert (
        'name="prendre"'
        not in pages[second].get(f"/lettres/{received.public_id}/").content.decode()
    )


def test_a_letter_is_given_only_to_somebody_who_can_follow_it(received: Any) -> None:
    office = received.office
    client = sign_in(cases.agent(office))
    writer = factories.team_member(received.community, role="editor").user
    factories.membership(writer, office)
    strangers = {
        "of another office": cases.agent(cases.body("ars_branch", "32", "62")),
        "of another département": factories.membership(
            organisation_=office, department_id="62"
        ).user,
        "a signatory": factories.membership(organisation_=office, role="signatory").user,
        "who writes the letter": writer,
    }
    for who, person in strangers.items():
        message = told(assign(client, received, person))[0]
        assert (who, "choisissez" in message) == (who, True)
    assert Case.objects.get(pk=received.pk).instructor_id is None


def test_only_the_office_in_charge_gives_a_letter_away(received: Any) -> None:
    colleague = cases.agent(received.office)
    agency = cases.body("ars", "32")
    factories.membership(colleague, agency)
    for person in (
        cases.agent(agency),
        factories.membership(organisation_=received.office, role="signatory").user,
    ):
        url = f"/bureau/dossiers/{received.public_id}/attribution/"
        assert sign_in(person).post(url, {"personne": colleague.pk}).status_code == 403


def test_several_letters_are_given_at_once_and_the_others_are_told(received: Any) -> None:
    coordinator = factories.membership(organisation_=received.office, role="coordinator").user
    colleague = cases.agent(received.office)
    done = deposited_letter(received.office, state="accepted", department_codes=["59"])
    client = sign_in(coordinator)
    response = client.post(
        "/bureau/lot/",
        {
            "action": "confier",
            "personne": colleague.pk,
            "dossier": [str(received.public_id), str(done.public_id)],
        },
        follow=True,
    )
    message = told(response)[0]
    assert message.startswith(f"1\u00a0dossier sur 2\u00a0: confié à {colleague}.")
    assert str(done.reference) in message
    assert Case.objects.get(pk=received.pk).instructor_id == colleague.pk
