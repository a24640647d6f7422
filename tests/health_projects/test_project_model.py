"""A health project is a case: one open at a time, frozen to be signed before it is deposited."""

import pytest
from django.db import IntegrityError, transaction

from health_projects.models import HealthProject
from tests.health_projects import projects
from workflow.models import Case

pytestmark = pytest.mark.django_db


def test_a_version_frozen_to_be_signed_is_numbered_and_is_no_deposit() -> None:
    project = projects.draft()
    Case.objects.filter(pk=project.pk).update(version=1, reference="PS-52-2026-0001")
    frozen = HealthProject.objects.get(pk=project.pk)
    assert (frozen.is_deposited, frozen.version, str(frozen)) == (False, 1, "PS-52-2026-0001")
    with pytest.raises(IntegrityError, match="case_deposited_means_dated"), transaction.atomic():
        Case.objects.filter(pk=project.pk).update(reference=None)


def test_a_cpts_has_one_open_project_at_a_time() -> None:
    project = projects.draft()
    with pytest.raises(IntegrityError, match="case_one_open_health_project"), transaction.atomic():
        projects.draft(community=project.community, owner=project.created_by)
