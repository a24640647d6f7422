"""Every address of a project, and of its case, as every kind of person, before and after deposit.

The addresses are those of `health_projects/urls.py` and `workflow/urls.py`: a new one fails here
until a line below says what it reads or writes.
"""

import json
import uuid
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from health_projects.models import HealthProject
from health_projects.urls import urlpatterns
from outbox.services import deliver_pending
from tests import factories
from tests.health_projects import projects
from tests.letters import cases
from tests.workflow.completing import PDF
from workflow.models import CaseAttachment, CaseDocument
from workflow.urls import urlpatterns as shared_patterns
from writing import services as writing_services

pytestmark = pytest.mark.django_db


class Asked(NamedTuple):
    """One request: the name of its address, its arguments, and for a POST what it sends."""

    name: str
    args: tuple[str, ...] = ()
    data: dict[str, Any] | str | None = None

    def __str__(self) -> str:
        return " ".join(["GET" if self.data is None else "POST", self.name, *self.args])


READS: Final = (
    Asked("detail"),
    Asked("changes"),
    Asked("step", ("identity",)),
    Asked("table-export", ("coordinated_practice", "csv")),
    Asked("missing"),
    Asked("territory"),
    Asked("territory-year"),
    Asked("territory-codes"),
    Asked("territory-checks"),
    Asked("attachments"),
    Asked("attachment", ("{attachment}",)),
    Asked("deposit"),
    Asked("preview"),
    Asked("papers"),
    Asked("document", ("{document}",)),
    Asked("sheets"),
    Asked("matrix"),
    Asked("library"),
    Asked("sheet", ("{sheet}",)),
    Asked("sheet-pdf", ("{sheet}",)),
    Asked("coherence"),
)
# What the pages of an amendment, of an office and of a model answer: see their own tests.
ELSEWHERE: Final = (
    Asked("amendment-changes"),
    Asked("amended-sections"),
    Asked("amend"),
    Asked("withdraw-silence"),
    Asked("library-model", ("1",)),
    Asked("sheet-publish", ("{sheet}",)),
    Asked("posting", (), {"posted_on": "2026-01-15"}),
)
WRITES: Final = (
    Asked("step", ("identity",), {"rev-contact_profession": "1.", "f-contact_profession": "x"}),
    Asked("autosave", ("contact_profession",), json.dumps({"value": "x", "revision": None})),
    Asked("table-import", ("coordinated_practice",), {"mode": "replace"}),
    Asked("territory-change", ("vider",), {}),
    Asked("attachment-add", ("other",), {}),
    Asked("attachment-defer", ("map",), {"reason": "Plus tard."}),
    Asked("attachment-remove", ("{attachment}",), {}),
    Asked("freeze", (), {}),
    Asked("deposit", (), {"commits": "on", "signatory_name": "Zoé Petit", "place": "Albi"}),
    Asked("withdraw", (), {"reason": " "}),
    Asked("sheets-act", (), {"up": "{sheet}"}),
    Asked("sheet-add", (), {"label": "Une fiche"}),
    Asked("sheet-edit", ("{sheet}",), {"label": "Une autre"}),
    Asked("sheet-remove", ("{sheet}",), {}),
    Asked("coherence", (), {}),
)
ALL: Final = (*READS, *ELSEWHERE, *WRITES)
# Of no project: who may begin one, and the models of a region, have tests of their own.
_APART: Final = {"create", "start", "models", "model-withdraw", "public-document"}

STRANGERS: Final[dict[str, Callable[[HealthProject], User]]] = {
    "someone without a CPTS": lambda _: factories.user(),
    "owner of another project": lambda _: projects.draft("76").created_by,
    "office of another région": lambda _: cases.agent(cases.body("ars_branch", "32", "59")),
    "office of another département": lambda _: cases.agent(cases.body("ars_branch", "84", "69")),
    "owner acting for another office": lambda project: cases.acting(
        project.created_by, cases.body("ars_branch", "32", "62")
    ),
    "administrator": lambda _: factories.user(is_staff=True, is_superuser=True),
}
READERS: Final[dict[str, Callable[[HealthProject], User]]] = {
    "owner": lambda project: project.created_by,
    "reader": lambda project: factories.team_member(project.community, role="reader").user,
    "office in charge": lambda _: cases.agent(cases.body("ars", "84")),
}
# What a reader of the team is answered, by a draft then by what was deposited.
DRAFT: Final = {str(one): 200 for one in READS} | {
    "GET changes": 302,
    "GET deposit": 302,
    "GET document {document}": 404,
}
DEPOSITED: Final = {str(one): 200 for one in READS} | {
    "GET changes": 302,
    "GET step identity": 302,
    "GET table-export coordinated_practice csv": 404,
    "GET missing": 302,
    "GET territory-year": 302,
    "GET territory-checks": 302,
    "GET deposit": 302,
    "GET preview": 302,
}
# The pages of a case that each of its readers opens, then those of one reader.
SHARED: Final = {"decision", "opinions", "territory", "complements", "clock", "timeline"}
OWN_PAGES: Final[dict[str, set[str]]] = {
    "owner": {"messages"},
    "reader": {"messages"},
    "office in charge": {"opinions-synthesis"},
}
_WATCHED: Final = (
    *("workflow_case", "health_projects_healthproject", "health_projects_actionsheet"),
    *("health_projects_coherencenote", "workflow_answer", "workflow_caseattachment"),
    *("workflow_casedocument", "workflow_transitionlog", "workflow_snapshot"),
    *("territories_territorypart", "communities_community", "workflow_message"),
)


def everything_stored() -> dict[str, Any]:
    """A mark of every row of what a project is made of."""
    rows = {}
    with connection.cursor() as cursor:
        for table in _WATCHED:
            cursor.execute(f"SELECT md5(string_agg(r::text, ',' ORDER BY r::text)) FROM {table} r")  # noqa: S608 - names the test gives
            rows[table] = cursor.fetchone()
    return rows


def sign_in(person: User | None) -> Client:
    client = Client()
    if person is not None:
        client.force_login(person)
    return client


def statuses(client: Client, project: HealthProject, asked: Iterable[Asked]) -> dict[str, int]:
    """What each request is answered; nothing may be an error of ours, nor name the project."""
    attachment = CaseAttachment.objects.filter(case=project).first()
    document = CaseDocument.objects.filter(case=project).first()
    known = {
        "{attachment}": str(attachment.attachment_id if attachment else uuid.uuid4()),
        "{document}": str(document.document_id if document else uuid.uuid4()),
        "{sheet}": str(project.sheets.get().uid),
    }
    found = {}
    for one in asked:
        args = [project.public_id, *(known.get(arg, arg) for arg in one.args)]
        url = reverse(f"projects:{one.name}", args=args)
        if one.data is None:
            answer = client.get(url)
        elif isinstance(one.data, str):
            answer = client.post(url, one.data, content_type="application/json")
        else:
            answer = client.post(url, {key: known.get(v, v) for key, v in one.data.items()})
        text = b"".join(answer).decode(errors="replace")  # type: ignore[call-overload]
        assert answer.status_code < 500
        assert answer.status_code not in {302, 403, 404} or project.title not in text
        found[str(one)] = answer.status_code
    return found


def shared(client: Client, project: HealthProject) -> dict[str, int]:
    """The same of the pages every case has, each asked for with GET."""
    given = {"slug": "nothing", "uuid": str(uuid.uuid4()), "int": "0"}
    found = {}
    for pattern in shared_patterns:
        kinds = [type(one).__name__[:-9].lower() for one in pattern.pattern.converters.values()]
        args = [project.public_id, *(given[kind] for kind in kinds)]
        url = reverse(f"cases:{pattern.name}", args=args)
        read = client.get(url).status_code
        found[str(pattern.name)] = client.post(url).status_code if read == 405 else read
    return found


def seen(pages: dict[str, int]) -> dict[str, int]:
    """What is no 404: that an agent corrects no period is said before the case is looked for."""
    told = {"clock-correction": 403}
    return {name: status for name, status in pages.items() if status not in {404, told.get(name)}}


def draft() -> HealthProject:
    project = projects.complete()
    slot = writing_services.slot_of(project, "other")
    assert slot
    file = SimpleUploadedFile("annexe.pdf", PDF)
    writing_services.attach(project, slot, file, user=project.created_by)
    return project


def test_every_address_of_a_project_is_asked_for_here() -> None:
    assert {one.name for one in ALL} == {pattern.name for pattern in urlpatterns} - _APART


def test_a_draft_is_its_teams_alone_and_a_reader_changes_nothing_of_it() -> None:
    project = draft()
    team = {who: find(project) for who, find in READERS.items()}
    strangers = {who: find(project) for who, find in STRANGERS.items()}
    strangers["office in charge"] = team.pop("office in charge")
    before = everything_stored()
    for who, person in strangers.items():
        found = statuses(sign_in(person), project, ALL)
        assert (who, found) == (who, dict.fromkeys(found, 404))
        pages = shared(sign_in(person), project)
        assert (who, seen(pages)) == (who, {})
    visited = statuses(sign_in(None), project, ALL)
    assert visited.pop("POST autosave contact_profession") == 401
    assert set(visited.values()) == {302}
    refused = statuses(sign_in(team["reader"]), project, WRITES)
    # Nothing is withdrawn before it is deposited.
    assert refused == dict.fromkeys(refused, 403) | {"POST withdraw": 302}
    assert statuses(sign_in(team["reader"]), project, READS) == DRAFT
    assert everything_stored() == before


def test_a_deposited_project_is_read_by_its_readers_and_written_by_nobody() -> None:
    project = projects.sign(projects.fresh(frozen_with_a_piece()))
    projects.file(project)
    project = projects.taken_up(projects.fresh(project))
    deliver_pending()
    readers = {who: find(project) for who, find in READERS.items()}
    before = everything_stored()
    for who, person in readers.items():
        client = sign_in(person)
        assert (who, statuses(client, project, READS)) == (who, DEPOSITED)
        written = statuses(client, project, WRITES)
        # A second press on the button is told it was done; a reason is wanted of who withdraws.
        done = {"POST freeze": 302, "POST deposit": 302}
        withdrawn = {"POST withdraw": 422 if who == "owner" else 403}
        assert (who, written) == (who, dict.fromkeys(written, 403) | done | withdrawn)
        pages = {name for name, status in shared(client, project).items() if status == 200}
        assert (who, pages - SHARED) == (who, OWN_PAGES[who])
        assert pages >= SHARED
    assert everything_stored() == before
    strangers = {who: find(project) for who, find in STRANGERS.items()}
    before = everything_stored()
    for who, person in strangers.items():
        found = statuses(sign_in(person), project, ALL)
        assert (who, found) == (who, dict.fromkeys(found, 404))
        assert (who, seen(shared(sign_in(person), project))) == (who, {})
    assert everything_stored() == before


def frozen_with_a_piece() -> HealthProject:
    project = draft()
    projects.services.freeze_version(project, actor=project.created_by)
    deliver_pending()
    return project
