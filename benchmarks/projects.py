"""The health project: its pages beside the floor, and the PDF of a large one that was signed.

Twenty sheets, three hundred members who signed: the PDF with its register is what the worker draws
once, against the PDF of a letter drawn in the same run. No page waits for it.
"""

import time
from io import StringIO

from django.core.management import call_command
from django.db import connection

from accounts.models import User
from benchmarks.measure import Line, interleaved
from benchmarks.pages import SCENARIO, request, served
from health_projects import documents as project_documents
from health_projects import services
from health_projects.models import HealthProject
from health_projects.sheet_writing import Actor
from letters.json_import import import_file
from members.codes import PROFESSIONS
from members.models import Member
from members.services import sort_key
from outbox.services import deliver_pending
from signatures import campaigns
from signatures.models import Campaign, Invitation
from signatures.signing import record_paper_signature
from tests import factories
from tests.health_projects import projects
from tests.health_projects.sheet_making import sheet
from workflow.models import CaseDocument, Snapshot
from writing.documents import issue_documents

SHEETS = 20
MEMBERS = 300
# Of the register and the sheets together: what a mailbox takes without a word.
LARGEST = 5.0
# Times what the PDF of a letter takes, which has a tenth of the pages.
SLOWEST = 15.0


def health_projects(rounds: int) -> list[Line]:
    """The pages of a project written, then the time and the size of its signed PDF."""
    call_command("load_organisations", verbosity=0, stdout=StringIO())
    letter_ms = _letter_ms()
    project, lead = _large_project()
    at = f"/projets/{project.public_id}/"
    pages = {
        "projet : brouillon": at,
        "projet : étape": f"{at}etapes/governance/",
        "projet : 20 fiches": f"{at}fiches/",
        "projet : une fiche": f"{at}fiches/{project.sheets.order_by('position')[0].uid}/",
        "projet : missions": f"{at}fiches/missions/",
    }
    _settled()
    with served() as port:
        asked = {name: request(port, path, lead) for name, path in pages.items()}
        floor = {"plancher": request(port, "/bench/", lead)}
        found = interleaved(asked | floor, rounds=rounds, warm_up=3)
    against = "une page qui ne fait qu’étendre base.html"
    lines = [Line(name, against, found[name], found["plancher"], "ms", 2.0) for name in pages]
    signed_ms, size = _signed(project, lead)
    project = HealthProject.objects.get(pk=project.pk)
    _settled()
    with served() as port:
        asked = {"déposé": request(port, at, lead)}
        found = interleaved(
            asked | {"plancher": request(port, "/bench/", lead)}, rounds=rounds, warm_up=3
        )
    return [
        *lines,
        Line("projet : déposé, 300 signatures", against, found["déposé"], found["plancher"],
             "ms", 2.0),
        Line("PDF signé, 20 fiches et 300 noms", "le PDF d’une lettre", signed_ms, letter_ms,
             "ms", SLOWEST),
        Line("PDF signé, poids", f"{LARGEST:.0f} Mo", size, LARGEST, "Mo", 1.0),
    ]  # fmt: skip


def _settled() -> None:
    """The tables as a server has them a minute after so many rows were written."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _letter_ms() -> float:
    """What the worker takes to issue the PDF of the longest letter, warm."""
    times = []
    for _ in range(2):
        lead = factories.user()
        letter = import_file(SCENARIO, owner_email=lead.email, force=True, deposit=True).letter
        start = time.perf_counter()
        issue_documents(letter, Snapshot.objects.get(case=letter))
        times.append((time.perf_counter() - start) * 1000)
    return times[-1]


def _large_project() -> tuple[HealthProject, User]:
    project = projects.complete("84")
    lead = project.created_by
    codes = list(PROFESSIONS)
    members = [
        Member(
            community=project.community,
            last_name=f"Nom {number:04d}",
            first_name="Prénom",
            email=f"membre-projet{number}@exemple.test",
            profession=codes[number % len(codes)],
            created_by=lead,
        )
        for number in range(MEMBERS - project.community.members.count())
    ]
    for member in members:
        member.sort_key = sort_key(member)
    Member.objects.bulk_create(members)
    text = "Ce que l’équipe a décidé, avec qui, pour quand, et à quoi elle verra le résultat. " * 5
    while project.sheets.count() < SHEETS:
        sheet(
            project,
            coordinator=members[0].pk,
            actors=[
                Actor("first_line", member=members[1].pk, role="Suit les patients"),
                Actor("structure", name="Centre hospitalier"),
            ],
            issue=text,
            actions=text,
            evaluation=text,
            means=text,
        )
    return project, lead


def _signed(project: HealthProject, lead: User) -> tuple[float, float]:
    """Everyone signs, the lead deposits: milliseconds and megabytes of the signed PDF."""
    services.freeze_version(project, actor=lead)
    deliver_pending()
    project = projects.fresh(project)
    opened = projects.campaign(project)
    for one in opened.invitations.filter(state=Invitation.State.WAITING):
        record_paper_signature(one, by=lead, evidence={})
    campaigns.close_campaign(Campaign.objects.get(pk=opened.pk), by=lead)
    projects.file(projects.fresh(project))
    project = projects.fresh(project)
    start = time.perf_counter()
    papers = project_documents.issue_deposit(
        project, Snapshot.objects.get(case_id=project.pk, version=project.version)
    )
    spent = (time.perf_counter() - start) * 1000
    assert papers
    signed = CaseDocument.objects.get(
        case=project, document__number=f"{project.reference}-V{project.version}-S"
    )
    deliver_pending()
    return spent, signed.document.size / 1_000_000
