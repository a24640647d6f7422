"""Health projects played by one command: to a decision and an amendment, and to silence."""

import hashlib
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from communities.stages import is_recognised
from desks.play_project import LONG_AGO, days_ago
from health_projects.models import HealthProject
from outbox.models import Mail, OutboxEvent
from signatures.models import Signature
from workflow.models import CaseDocument, Snapshot, TransitionLog

pytestmark = pytest.mark.django_db
MEMBERS = 18


def played(circuit: str, folder: Path) -> str:
    said = StringIO()
    call_command(
        "play_scenario", circuit, "--members", str(MEMBERS), "--output", str(folder), stdout=said
    )
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert hashes == set(CaseDocument.objects.values_list("document__sha256", flat=True))
    assert OutboxEvent.objects.filter(done_at=None).count() == 0
    assert Mail.objects.filter(sent_at=None).count() == 0
    return said.getvalue()


def moves(project: HealthProject) -> list[str]:
    logs = TransitionLog.objects.filter(case=project).order_by("pk")
    return list(logs.values_list("transition", flat=True))


def papers(project: HealthProject) -> set[str]:
    numbers = CaseDocument.objects.filter(case=project).values_list("document__number", flat=True)
    return {number.removeprefix(f"{project.reference}-") for number in numbers}


def test_a_project_goes_from_its_letter_to_recognition_then_takes_a_sheet_more(
    settings: Any, loaded_organisations: None, tmp_path: Path
) -> None:
    settings.DEMO = True
    said = played("projet-de-sante", tmp_path / "pdf")
    project, amendment = HealthProject.objects.order_by("pk")
    circuit = [
        "freeze_version",
        "deposit",
        "start_consultation",
        "end_consultation",
        "propose_decision",
        "accept",
    ]
    assert (moves(project), moves(amendment)) == (circuit, circuit)
    assert is_recognised(project.community)
    sheets = [len(Snapshot.objects.get(case=one).content["sheets"]) for one in (project, amendment)]
    assert sheets == [8, 9]
    signed = Signature.objects.order_by().values_list("campaign__case", "method")
    assert sorted(signed) == sorted(
        [(project.pk, "email_code")] * (MEMBERS - 6)
        + [(project.pk, "paper")] * 6
        + [(amendment.pk, "email_code")] * 3
        + [(amendment.pk, "paper")]
    )
    assert papers(project) >= {"V1", "V1-S", "V1-P", "AR", "D1", "REC"}
    assert papers(amendment) >= {"V1", "V1-S", "V1-P", "AR", "D1"}
    assert f"invite 4 membre(s) à signer ; {MEMBERS - 4} signature(s) sont gardées" in said


def test_a_project_that_nobody_answers_is_validated_by_silence_with_its_certificate(
    settings: Any, loaded_organisations: None, tmp_path: Path
) -> None:
    settings.DEMO = True
    played("projet-sans-reponse", tmp_path / "pdf")
    project = HealthProject.objects.get()
    assert (moves(project)[-1], moves(project).count("accept_tacitly")) == ("accept_tacitly", 1)
    assert project.validated_on is not None
    assert project.deposited_at is not None
    assert timezone.localdate(project.deposited_at) == timezone.localdate() - LONG_AGO
    assert project.validated_on > timezone.localdate(project.deposited_at)
    assert papers(project) >= {"V1", "V1-S", "AR", "ATT", "REC"}
    assert is_recognised(project.community)


def test_a_moved_clock_goes_back_to_the_true_one() -> None:
    today = timezone.localdate()
    with days_ago(LONG_AGO):
        assert timezone.localdate() == today - LONG_AGO
        assert isinstance(timezone.now(), type(timezone.now()))
    assert timezone.localdate() == today
