"""The coordinator's desk: figures that match their lists, late bodies, a constant cost."""

from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Membership, Organisation
from desks import coordinator
from tests import factories
from tests.desks.factories import deposited_letter, inform
from tests.workflow import asking
from workflow.states import CaseState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _counted_now() -> None:
    """Figures are kept a minute: each test counts its own."""
    cache.clear()


@pytest.fixture
def office() -> Organisation:
    for code, name in [("81", "Tarn"), ("31", "Haute-Garonne")]:
        factories.department(code, name)
    return factories.organisation(Organisation.Kind.ONE_STOP_DESK, name="Guichet CPTS")


@pytest.fixture
def browser(client: Client, office: Organisation) -> Client:
    held = factories.membership(organisation_=office, role=Membership.Role.COORDINATOR)
    client.force_login(held.user)
    return client


def board(client: Client) -> coordinator.Board:
    return client.get(reverse("desks:coordinator")).context["board"]


def test_every_figure_is_the_length_of_the_list_it_leads_to(
    browser: Client, office: Organisation
) -> None:
    agent = factories.membership(organisation_=office).user
    deposited_letter(office)
    deposited_letter(office, department_codes=["31", "81"])
    deposited_letter(office, state=CaseState.UNDER_REVIEW, instructor=agent)
    deposited_letter(office, state=CaseState.REFUSED, instructor=agent)

    shown = board(browser)
    figures = [*shown.states, *shown.departments, *shown.deadlines, *shown.workload]

    for one in figures:
        found = browser.get(one.url).context["page"].paginator.count
        assert (one.label, one.count) == (one.label, found)
    assert {one.label: one.count for one in shown.departments} == {
        "Haute-Garonne (31)": 1,
        "Tarn (81)": 4,
    }
    assert [one.count for one in shown.workload] == [1]


def test_a_decision_proposed_elsewhere_is_a_case_under_review(
    browser: Client, office: Organisation
) -> None:
    elsewhere = factories.organisation(Organisation.Kind.ARS, name="ARS")
    inform(deposited_letter(elsewhere, state=CaseState.DECISION_PROPOSED), office)
    inform(deposited_letter(elsewhere, state=CaseState.UNDER_REVIEW), office)

    (known,) = board(browser).states

    assert (known.count, "etat=under_review" in known.url) == (2, True)
    assert browser.get(known.url).context["page"].paginator.count == 2


def test_a_late_body_is_counted_and_may_be_asked_again(client: Client) -> None:
    body = asking.urps("infirmiers")
    letter = asking.deposited_and_asked()
    asking.overdue(asking.request_to(letter, body), days=3)
    person = asking.coordinator()
    client.force_login(person)
    client.post(reverse("accounts:switch_role"), {"membership": person.acting.pk})  # type: ignore[union-attr]

    late = board(client).late_bodies
    assert [(one.label, one.count) for one in late] == [(body.name, 1)]
    page = client.get(late[0].url)
    (row,) = page.context["rows"]
    assert (row.reference, row.body, row.days) == (letter.reference, body.name, 3)
    assert client.get(row.url).status_code == 200
    assert client.get(late[0].url.replace(body.code, "autre")).context["rows"] == []


def test_the_desk_is_for_coordinators_of_offices(client: Client, office: Organisation) -> None:
    for held in (
        factories.membership(organisation_=office, role=Membership.Role.AGENT),
        factories.membership(
            organisation_=factories.organisation(Organisation.Kind.URPS, name="URPS"),
            role=Membership.Role.COORDINATOR,
        ),
    ):
        client.force_login(held.user)
        for name in ("desks:coordinator", "desks:late-opinions"):
            assert client.get(reverse(name)).status_code == 302


def test_the_cost_does_not_depend_on_how_many_cases(browser: Client, office: Organisation) -> None:
    def queries() -> int:
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            browser.get(reverse("desks:coordinator"))
        return len(captured)

    deposited_letter(office)
    with_one = queries()
    for _ in range(29):
        deposited_letter(office)

    assert queries() == with_one


def test_figures_are_kept_a_minute_and_say_their_hour(
    browser: Client, office: Organisation
) -> None:
    def counted() -> list[Any]:
        return [one.count for one in board(browser).states]

    deposited_letter(office)
    assert counted() == [1]
    deposited_letter(office)

    assert counted() == [1]
    assert "Chiffres comptés à" in browser.get(reverse("desks:coordinator")).content.decode()
    cache.clear()
    assert counted() == [2]
