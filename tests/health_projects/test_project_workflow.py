"""The machine of a health project: what is signed is what is deposited; who may do what."""

import pytest
from django.core.exceptions import PermissionDenied

from health_projects import services
from health_projects.documents import KINDS
from health_projects.labels import STATE_LABELS, TRANSITION_LABELS
from health_projects.models import HealthProject
from outbox.services import deliver_pending
from tests import factories
from tests.health_projects import projects
from tests.mailbox import mails
from workflow.models import Answer, CaseDocument, Snapshot, TerritoryClaim
from workflow.readers import Reader
from workflow.services import AlreadyDoneError, IncompleteError, digest_of
from workflow.states import CaseState

STATE = HealthProject._meta.get_field("state")
TRANSITIONS = sorted(STATE.get_all_transitions(HealthProject), key=lambda t: (t.name, t.source))


def test_every_transition_has_a_permission_a_label_and_a_state_it_starts_from():
    assert [
        (t.name, t.source)
        for t in TRANSITIONS
        if not callable(t.permission) or t.source in {"*", "+"} or not t.custom.get("label")
    ] == []


def test_every_state_is_reached_from_the_draft_and_has_words_for_each_reader():
    reached = {CaseState.DRAFT.value}
    for _ in TRANSITIONS:
        reached |= {t.target for t in TRANSITIONS if t.source in reached}
    # A project is decided, not signed by parties.
    assert reached == set(CaseState.values) - {CaseState.TO_SIGN} == set(STATE_LABELS)
    assert set(TRANSITION_LABELS) == {t.name for t in TRANSITIONS}
    for labels in [*STATE_LABELS.values(), *TRANSITION_LABELS.values()]:
        assert set(labels) == set(Reader)
    assert all(
        one.label and one.next_step for each in STATE_LABELS.values() for one in each.values()
    )


@pytest.mark.django_db
def test_a_frozen_version_is_numbered_printed_and_holds_no_commune():
    project = projects.frozen()
    frozen = Snapshot.objects.get(case=project)
    paper = CaseDocument.objects.get(case=project)
    assert (project.state, project.version, project.is_deposited) == ("draft", 1, False)
    assert (frozen.sha256, paper.document.number) == (
        digest_of(frozen.content),
        f"{project.reference}-V1",
    )
    assert not TerritoryClaim.objects.filter(case=project).exists()
    with pytest.raises(IncompleteError) as same:
        services.freeze_version(project, actor=project.created_by)
    assert "Rien n’a changé depuis la version 1" in same.value.missing[0].sentence


@pytest.mark.django_db
def test_only_the_version_that_was_signed_is_deposited():
    def missing() -> str:
        return projects.fresh(project).missing_for("deposit")[0].sentence

    project = projects.complete()
    assert missing().startswith("Aucune version n’est figée")
    services.freeze_version(project, actor=project.created_by)
    deliver_pending()
    assert missing().startswith("La version 1 n’a pas encore été proposée")
    opened = projects.campaign(project)
    assert missing().startswith("La campagne de signatures est encore ouverte")
    projects.campaigns.close_campaign(opened, by=project.created_by)
    assert missing().startswith("Personne n’a signé la version 1")
    Answer.objects.filter(case=project, key="contact_name").update(value="Autre personne")
    assert missing().startswith("Le projet a changé depuis la version 1")
    with pytest.raises(IncompleteError):
        projects.file(project)


@pytest.mark.django_db
def test_the_deposit_files_the_signed_version_starts_the_clock_and_tells_the_team():
    project = projects.signed()
    signed = Snapshot.objects.get(case=project)
    projects.file(project)
    project = projects.fresh(project)
    assert (project.state, project.version) == ("deposited", 1)
    assert project.filing is not None
    assert project.filing["signed"]["sha256"] == signed.sha256
    assert project.filing["silence_date"] == project.deadline_on.isoformat()
    assert set(TerritoryClaim.objects.filter(case=project).values_list("stage", flat=True)) == {
        "filed"
    }
    deliver_pending()
    deliver_pending()
    papers = CaseDocument.objects.filter(case=project, kind__in=KINDS)
    assert {one.document.number for one in papers} == {
        f"{project.reference}-{end}" for end in ("V1", "V1-S", "V1-P", "AR")
    }
    told = mails(project.created_by.email)
    assert len([one for one in told if "projet de santé déposé" in one.subject]) == 1
    with pytest.raises(AlreadyDoneError):
        projects.file(project)


@pytest.mark.django_db
def test_only_an_owner_in_their_own_name_freezes_and_deposits():
    project = projects.complete()
    editor = factories.team_member(project.community, role="editor").user
    for person in (editor, factories.user()):
        with pytest.raises(PermissionDenied):
            services.freeze_version(project, actor=person)
        with pytest.raises(PermissionDenied):
            projects.file(project, actor=person)
