"""What a page says of the official documents that the portal prepares."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from health_projects import documents, services
from health_projects.models import HealthProject
from health_projects.past import read_past
from health_projects.preparing import Papers, papers_of
from outbox.models import OutboxEvent
from outbox.services import MAX_ATTEMPTS, deliver
from tests.health_projects import projects

pytestmark = pytest.mark.django_db


def read(project: HealthProject) -> Papers:
    project = projects.fresh(project)
    return papers_of(project, read_past([project])[project.pk])


def event(project: HealthProject) -> OutboxEvent:
    """The work that draws the documents of a project."""
    keys = [f"health_projects.{act}:{project.pk}:" for act in ("frozen", "deposited")]
    left = OutboxEvent.objects.filter(done_at=None, handler__startswith="health_projects.")
    return next(one for one in left if one.deduplication_key.startswith(tuple(keys)))


def change(project: HealthProject, **fields: Any) -> str:
    """What is said once the work stands so, as plain text."""
    OutboxEvent.objects.filter(pk=event(project).pk).update(**fields)
    return read(project).said.replace("\u00a0", " ")


def test_a_version_is_waited_for_then_drawn_or_tried_again() -> None:
    project = projects.complete()
    client = Client()
    client.force_login(project.created_by)
    at = f"/projets/{project.public_id}/"
    assert (read(project).is_waiting, "data-follow=" in client.get(at).content.decode()) == (
        False,
        False,
    )
    services.freeze_version(project, actor=project.created_by)
    now, reference = timezone.now(), projects.fresh(project).reference
    said = [
        change(project),
        change(project, started_at=now),
        # A worker that was killed an hour ago.
        change(project, started_at=now - timedelta(hours=1)),
        change(project, started_at=None, attempts=1, available_at=now),
        change(project, attempts=MAX_ATTEMPTS),
    ]
    assert [words[:32] for words in said] == [
        "En attente : le portail s’en occ",
        "Le portail établit un document d",
        "En attente : le portail s’en occ",
        "Un document n’a pas pu être étab",
        "La préparation a échoué à plusie",
    ]
    assert all(f"la référence {reference}" in words for words in said[3:])
    papers = read(project)
    assert (papers.label, papers.has_failed) == ("0 document prêt sur 1", True)
    assert [(one.label, one.document) for one in papers.lines] == [
        ("Projet de santé, version à signer", None)
    ]
    for path in (at, f"{at}documents/"):
        page = client.get(path).content.decode().replace("\u00a0", " ")
        assert said[-1].replace("'", "&#x27;") in page
        assert f'data-follow="{at}documents/"' in page
        assert f'href="{at}">Voir où en est la préparation' in page
    OutboxEvent.objects.filter(pk=event(project).pk).update(attempts=0)
    assert deliver(event(project).pk)
    assert (read(project).is_waiting, [one.document is None for one in read(project).lines]) == (
        False,
        [False],
    )
    part = client.get(f"{at}documents/")
    assert ("data-follow=" in part.content.decode(), part["Cache-Control"]) == (
        False,
        "max-age=0, no-cache, no-store, must-revalidate, private",
    )


def test_documents_of_a_deposit_are_shown_one_after_the_other() -> None:
    project = projects.signed()
    projects.file(project)
    seen = []
    while (papers := read(project)).is_waiting:
        seen.append((papers.label, [one.label for one in papers.lines if one.document is None]))
        assert deliver(event(project).pk)
    labels = documents.LABELS
    assert seen == [
        ("0 document prêt sur 3", [labels[one] for one in documents.DEPOSITED]),
        ("1 document prêt sur 3", [labels[documents.SIGNED], labels[documents.PUBLIC]]),
        ("2 documents prêts sur 3", [labels[documents.PUBLIC]]),
    ]
    assert [one.label for one in read(project).lines][1:] == [
        labels[one] for one in documents.DEPOSITED
    ]


def test_whoever_does_not_see_a_project_asks_in_vain() -> None:
    project = projects.complete()
    stranger = Client()
    stranger.force_login(projects.factories.user())
    assert stranger.get(f"/projets/{project.public_id}/documents/").status_code == 404
