"""Who is asked for an opinion on a project, region by region, when it is deposited."""

import pytest

from accounts.models import Organisation
from tests import factories
from tests.health_projects import projects
from tests.letters import cases
from writing.consulting import consult

pytestmark = pytest.mark.django_db


def committee(code: str, department: str | None = None) -> Organisation:
    return factories.organisation(
        "committee",
        code=code,
        region=cases.body("ars", "52").region,
        department_id=department,
    )


def test_pays_de_la_loire_asks_the_cats_then_the_regional_committee_and_informs_the_others():
    cases.reference_rows()
    for code, department in (
        ("cats-44", "44"),
        ("cts-44", "44"),
        ("comite-regional-de-suivi-pays-de-la-loire", None),
        ("corecs-pays-de-la-loire", None),
    ):
        committee(code, department)
    project = projects.deposited("52")
    consult(case_id=project.pk)
    project = projects.fresh(project)
    asked = project.consultations.order_by("stage", "pk").values_list(
        "body__code", "stage", "kind", "state"
    )
    assert project.state == "in_consultation"
    assert {(code, stage, kind) for code, stage, kind, _ in asked} == {
        ("cats-44", 1, "expected"),
        ("cts-44", 1, "information"),
        ("comite-regional-de-suivi-pays-de-la-loire", 2, "expected"),
        ("corecs-pays-de-la-loire", 2, "information"),
    }
    assert {code for code, _, _, state in asked if state == "waiting"} == {
        "comite-regional-de-suivi-pays-de-la-loire",
        "corecs-pays-de-la-loire",
    }
