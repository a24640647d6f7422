"""Health projects played from their sheets to their validation, by everyone who acts.

One is begun from an accepted letter, signed by every member, taken through the committees of Pays
de la Loire to a decision, then amended; another is deposited on a day long past, and validated by
silence. Each step calls the service that a page calls, as the person who would press the button.
"""

import datetime
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from communities import legal
from communities.models import Community
from cpts_portal.spreadsheets import csv_bytes
from desks.demo import DemoAccount, make_accounts
from desks.play import PIECES, Play, PlayError, Script
from health_projects import coherence, services
from health_projects.amending import begin_amendment
from health_projects.content import project_content
from health_projects.models import HealthProject
from health_projects.opening import begin, begin_alone, changes_since_letter
from health_projects.sheet_writing import Actor, save_sheet
from health_projects.sheets import rules_of
from members.codes import PROFESSIONS, STRUCTURES
from members.importing import COLUMNS, apply_import, read_members_file
from members.models import Member
from outbox.models import Mail
from signatures import campaigns, paper, signing
from signatures.board import counts_of
from signatures.models import Campaign, Invitation, PaperPage
from territories.models import Region
from territories.services import add_communes
from workflow import approving, decisions, proposing
from workflow.consultations import close_the_silent
from workflow.diff import Comparison
from workflow.models import Consultation
from workflow.services import perform
from workflow.tacit import accept_the_overdue
from writing import services as writing_services
from writing.content import procedure_of

STORY: Final = settings.BASE_DIR / "fixtures" / "health_projects" / "erdre-et-cens.json"
MEMBERS: Final = 300
# Five professionals and a structure, so that each sheet has its coordinator and its actors.
FEWEST: Final = 6
# How long before today the project that nobody answers is deposited: more than two months.
LONG_AGO: Final = timedelta(days=75)
# Those who sign on paper, at most; who never answers; who declines.
_ON_PAPER: Final = 6
_REGION: Final = "52"
_ELSEWHERE: Final = ("44110", "44149")
_LAST: Final = (
    *("Allard", "Blanchet", "Corbel", "Dupas", "Évain", "Ferron", "Guérin", "Hardy", "Jolivet"),
    *("Kervadec", "Lebreton", "Mahé", "Noblet", "Oger", "Pineau", "Quéré", "Ricordel", "Soulard"),
    *("Thébaud", "Viaud"),
)
_FIRST: Final = (
    *("Anaïs", "Bastien", "Chloé", "Damien", "Élodie", "Fabien", "Gaëlle", "Hervé", "Inès"),
    *("Julien", "Katell", "Loïc", "Maëlle", "Nicolas", "Odile", "Pauline", "Quentin"),
)
_PROFESSIONS: Final = ("60", "10", "70", "21", "50", "40", "91", "80")
_STRUCTURES: Final = ("msp", "cds", "hospital", "ehpad", "prevention")
_ROLE: Final = Membership.Role
_COMMITTEE: Final = (
    ("secretariat.cats-44", "Mathilde", "Rondeau", _ROLE.SECRETARY),
    ("presidence.cats-44", "Alain", "Leroy", _ROLE.PRESIDENT),
)
_LEAD: Final = DemoAccount(
    "solenn.briand@exemple.test",
    "Solenn",
    "Briand",
    "Lead of a CPTS born elsewhere",
    profession="Sage-femme",
)


@contextmanager
def days_ago(back: timedelta) -> Iterator[None]:
    """Until the block ends, the clock of this process is that of a day long past.

    What the database writes by itself, and other processes, keep the true one.
    """

    class AsDatetime(type):
        def __instancecheck__(cls, one: object) -> bool:
            return isinstance(one, datetime.datetime)

    class Moved(datetime.datetime, metaclass=AsDatetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> Any:
            # By the clock on the wall: summer time may have ended since.
            then = datetime.datetime.now(timezone.get_current_timezone()) - back
            return then.astimezone(tz) if tz else then.replace(tzinfo=None)

    vars(timezone)["datetime"] = Moved
    try:
        yield
    finally:
        vars(timezone)["datetime"] = datetime.datetime


class ProjectPlay:
    """Both stories, told by the same `Play` as the letters; `members` sign each of them."""

    def __init__(self, play: Play, *, members: int = MEMBERS) -> None:
        self.play = play
        self.members = members
        self.story: dict[str, Any] = json.loads(STORY.read_text())

    # --- The two stories --------------------------------------------------------------

    def recognised(self) -> HealthProject:
        """From the accepted letter to the recognition of the CPTS, then an amendment."""
        play = self.play
        self._cast()
        play.pays_de_la_loire()
        letter = play.letters[-1]
        with play.scene("Projet de santé : de la lettre acceptée à la reconnaissance"):
            lead = User.objects.get(pk=letter.created_by_id)
            project = begin(letter.community, user=lead)
            held = project.answers.count()
            play.tell(lead, f"ouvre le projet de santé : {held} réponses y sont déjà.")
            self.write(project, lead)
            changed = changes_since_letter(project, project_content(project))
            if changed is None:
                raise PlayError("Le projet ne sait plus de quelle lettre il vient.")
            play.tell(lead, f"relit ce qui a changé depuis la lettre : {_said(changed)}.")
            self.sign_all(project, lead)
            project = self.file(project, lead)
            project = self.circuit(project)
            self.validate(project)
        with play.scene("Avenant : une fiche de plus, signée par ceux qu’elle nomme"):
            self.amend(project, lead)
        return project

    def tacit(self) -> HealthProject:
        """A CPTS born elsewhere deposits; nobody answers; the portal records the validation."""
        play = self.play
        self._cast()
        with play.scene("Projet de santé sans réponse : le silence le valide"):
            with days_ago(LONG_AGO):
                lead = User.objects.get(email=_LEAD.email)
                project = begin_alone(
                    name=_free_name("CPTS Canal et Marais"),
                    region=Region.objects.get(code=_REGION),
                    user=lead,
                )
                add_communes(project.community.territory, list(_ELSEWHERE))
                day = f"{timezone.localdate():%d/%m/%Y}"
                play.tell(lead, f"ouvre le projet de sa CPTS, née avant le portail, le {day}.")
                self.write(project, lead, self.story["identity"])
                self.sign_all(project, lead)
                project = self.file(project, lead)
            close_the_silent(case=project)
            play.tell(None, "note le silence de qui n’a pas donné d’avis dans son délai.")
            recorded = accept_the_overdue()
            again = accept_the_overdue()
            play.deliver()
            project = _fresh(project)
            if (recorded, again, project.validated_on) == (0, 0, None):
                raise PlayError("Le silence n’a pas validé le projet.")
            play.tell(
                None,
                f"constate la validation par silence au {project.validated_on:%d/%m/%Y} et établit "
                "l’attestation ; passée de nouveau, la tâche ne trouve plus rien.",
            )
        return project

    def _cast(self) -> None:
        make_accounts(
            [
                _LEAD,
                *(
                    DemoAccount(
                        f"{name}@exemple.test",
                        first,
                        last,
                        f"CATS de la Loire-Atlantique, {role.label.lower()}",
                        organisation="cats-44",
                        role=role,
                    )
                    for name, first, last, role in _COMMITTEE
                ),
            ]
        )

    # --- Writing ----------------------------------------------------------------------

    def write(
        self,
        project: HealthProject,
        lead: User,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """The form, the association, the members, the sheets and the coherence."""
        procedure = procedure_of(project)
        answers = self.story["answers"] | dict(more or {})
        with transaction.atomic():
            for key, value in answers.items():
                field = procedure.field(key)
                writing_services.save_answer(project, field, value, user=lead, base_revision=None)
        self._join_statutes(project, lead)
        today = timezone.localdate()
        legal.add_entity(
            project.community,
            {
                "name": project.community.name,
                "address": "4 rue des Marais",
                "postal_code": "44240",
                "city": "La Chapelle-sur-Erdre",
                "valid_from": today,
                "pending_reason": "Déclarée en préfecture, les numéros sont attendus.",
            },
            by=lead,
        )
        people = self.enrol(project.community, lead)
        for rank, sheet in enumerate(self.story["sheets"]):
            self.add_sheet(project, lead, sheet, people, rank)
        findings = [
            coherence.Finding(framework=one.key, finding="coherent", comment="Relu avec l’équipe.")
            for one in rules_of(project).frameworks
        ]
        coherence.save_findings(project, findings, by=lead)
        count = project.sheets.count()
        self.play.tell(lead, f"écrit le cadre, {count} fiches actions et la cohérence.")

    def _join_statutes(self, project: HealthProject, lead: User) -> None:
        slot = writing_services.slot_of(project, "statutes")
        if slot is None:
            raise PlayError("Le formulaire ne demande plus les statuts.")
        statutes = (PIECES / "questionnaire-demonstration.pdf").read_bytes()
        file = SimpleUploadedFile("statuts.pdf", statutes)
        writing_services.attach(project, slot, file, user=lead)

    def enrol(self, community: Community, lead: User) -> list[Member]:
        """Import the members from a spreadsheet, as a team does, its faults said line by line."""
        lines = [*_members_file(self.members), {"last_name": "Roy", "profession": "Astrologue"}]
        content = csv_bytes(
            list(COLUMNS.values()), [[one.get(key, "") for key in COLUMNS] for one in lines]
        )
        waiting = read_members_file(community, name="membres.csv", content=content, by=lead)
        done = apply_import(waiting, {}, by=lead)
        if done.added != self.members:
            raise PlayError(f"{done.added} membres importés au lieu de {self.members}.")
        self.play.tell(lead, f"importe {done.added} membres ; la dernière ligne était fausse.")
        return list(community.members.current().order_by("pk"))

    def add_sheet(
        self,
        project: HealthProject,
        lead: User,
        sheet: Mapping[str, Any],
        people: Sequence[Member],
        rank: int,
    ) -> None:
        """A sheet with its coordinator, two professionals, a structure and a partner."""
        professionals = [one for one in people if not one.structure_name]
        structures = [one for one in people if one.structure_name]
        who = [professionals[(rank * 3 + step) % len(professionals)] for step in range(3)]
        where = structures[rank % len(structures)]
        save_sheet(
            project,
            {**sheet, "coordinator": who[0].pk, "starts_on": None, "ends_on": None},
            [
                Actor("first_line", member=who[1].pk, role="Suit les patients"),
                Actor("second_line", member=who[2].pk, role="Donne un avis"),
                Actor("structure", member=where.pk, role="Accueille les réunions"),
                Actor("prevention", name="Centre communal d’action sociale", role="Repère"),
            ],
            by=lead,
        )

    # --- Signing ----------------------------------------------------------------------

    def sign_all(self, project: HealthProject, lead: User) -> Campaign:
        """Freeze a version and have it signed: by links and codes, a few on paper."""
        services.freeze_version(project, actor=lead)
        self.play.deliver()
        project = _fresh(project)
        self.play.tell(lead, f"fige la version {project.version} du projet {project.reference}.")
        campaign = campaigns.open_campaign(
            campaigns.prepare_campaign(
                project,
                closes_on=timezone.localdate() + timedelta(days=30),
                message="Le projet que nous avons écrit ensemble : trois clics pour le signer.",
                by=lead,
            ),
            by=lead,
        )
        asked = list(campaign.invitations.filter(state=Invitation.State.WAITING).order_by("pk"))
        self.play.deliver()
        kept = campaign.invitations.filter(state=Invitation.State.KEPT).count()
        self.play.tell(
            lead, f"invite {len(asked)} membre(s) à signer ; {kept} signature(s) sont gardées."
        )
        on_paper = asked[-min(_ON_PAPER, len(asked) // 3) :] if len(asked) > 2 else []
        for one in asked[: len(asked) - len(on_paper)]:
            self.sign_by_link(one)
        self.sign_on_paper(campaign, on_paper, lead)
        campaigns.close_campaign(campaign, by=lead)
        self.play.deliver()
        counts = counts_of(campaign)
        self.play.tell(
            lead,
            f"clôt la campagne : {counts.all.signed} sur {counts.invited} ont signé, dont "
            f"{len(on_paper)} sur papier.",
        )
        return campaign

    def sign_by_link(self, invitation: Invitation) -> None:
        """The three clicks: the link of the mail, the code of the next one, the signature."""
        link = _last(invitation.email, r"/signer/([\w-]+)/")
        found = signing.find_invitation(link)
        if found is None:
            raise PlayError(f"Le lien reçu par {invitation.email} n’ouvre rien.")
        signing.send_code(found)
        code = _last(invitation.email, r"est\s: (\d{3}\s\d{3})")
        seen = signing.Seen(ip="192.0.2.44", user_agent="Firefox")
        signing.sign(found, code=code, seen=seen)

    def sign_on_paper(
        self, campaign: Campaign, invitations: Sequence[Invitation], lead: User
    ) -> None:
        """Print the sheets, scan them in one file, confirm what was recognised."""
        if not invitations:
            return
        scan = SimpleUploadedFile(
            "lot.pdf", paper.sheets_pdf(campaign, invitations), "application/pdf"
        )
        paper.receive_scans(campaign, [scan], by=lead)
        self.play.deliver()
        pages = list(PaperPage.objects.filter(campaign=campaign, state="recognised"))
        done, refused = paper.confirm_all(pages, by=lead)
        if done != len(invitations):
            raise PlayError(f"{done} feuilles comptées sur {len(invitations)}. {' '.join(refused)}")

    # --- The circuit ------------------------------------------------------------------

    def file(self, project: HealthProject, lead: User) -> HealthProject:
        services.deposit(
            _fresh(project),
            actor=lead,
            commits=True,
            signatory_name=lead.get_full_name(),
            place="La Chapelle-sur-Erdre",
        )
        self.play.deliver()
        project = _fresh(project)
        self.play.letters.append(project)
        self.play.tell(lead, f"dépose le projet {project.reference}, version {project.version}.")
        asked = project.consultations.live()
        names = ", ".join(str(one.body) for one in asked.select_related("body").order_by("pk"))
        self.play.tell(
            None,
            f"demande ou annonce à : {names} ; sans opposition au "
            f"{project.deadline_on:%d/%m/%Y}, le projet est validé.",
        )
        return project

    def circuit(self, project: HealthProject) -> HealthProject:
        """The CATS, the regional committee; then the agency examines."""
        for code, text in (
            ("cats-44", "Les porteurs ont présenté le projet ; le comité le soutient."),
            ("comite-regional-de-suivi-pays-de-la-loire", "Le projet répond aux besoins décrits."),
        ):
            body = Organisation.objects.get(code=code)
            self.play.give_opinion(project, body, Script("favourable", text))
            self.play.deliver()
        waiting = project.consultations.live().filter(kind=Consultation.Kind.EXPECTED)
        if waiting.exclude(state="given").exists():
            raise PlayError("Un avis attendu n’a pas été rendu.")
        agent = self.play.member("ars-pays-de-la-loire", _ROLE.AGENT)
        project = _fresh(project)
        perform(project, "end_consultation", actor=agent)
        self.play.tell(agent, "clôt les avis et instruit le projet.")
        return _fresh(project)

    def validate(self, project: HealthProject) -> None:
        agent = self.play.member("ars-pays-de-la-loire", _ROLE.AGENT)
        self.play.settle_overlaps(project, agent)
        project = _fresh(project)
        proposing.save_proposal(
            project,
            user=agent,
            base_revision=0,
            submit=True,
            outcome="accept",
            law_keys=[],
            fact_keys=["territory_relevant"],
            fact_text="Le CATS et le comité régional de suivi ont rendu un avis favorable.",
        )
        self.play.tell(agent, "propose la validation à la signature.")
        decision = decisions.open_decision(_fresh(project))
        if decision is None:
            raise PlayError(f"Aucune décision n’est proposée sur {project.reference}.")
        signatory = self.play.member("ars-pays-de-la-loire", _ROLE.SIGNATORY)
        approving.approve(
            _fresh(project),
            user=signatory,
            text_sha256=decision.text_sha256,
            capacity="Directeur général",
        )
        self.play.deliver()
        self.play.tell(signatory, f"signe ; le projet {project.reference} est validé.")

    # --- The amendment ----------------------------------------------------------------

    def amend(self, project: HealthProject, lead: User) -> HealthProject:
        """A ninth sheet: only those it names sign again, then the same circuit."""
        amendment = begin_amendment(
            project.community, sections=["action_sheets"], user=lead, on=timezone.localdate()
        )
        people = list(project.community.members.current().order_by("pk"))
        self.add_sheet(amendment, lead, self.story["amendment"], people, 8)
        self.play.tell(lead, "ouvre un avenant et y ajoute une fiche action.")
        self.sign_all(amendment, lead)
        amendment = self.file(amendment, lead)
        amendment = self.circuit(amendment)
        self.validate(amendment)
        return amendment


def _said(changed: Comparison) -> str:
    count = sum(len(section.fields) for section in changed.sections)
    return f"{count} point(s)"


def _fresh(project: HealthProject) -> HealthProject:
    """The project as it stands: services work on the row they lock."""
    return HealthProject.objects.get(pk=project.pk)


def _free_name(name: str) -> str:
    same = Community.objects.filter(name__startswith=name).count()
    return f"{name} ({same + 1})" if same else name


def _last(email: str, pattern: str) -> str:
    """What the last mail written to an address says, as a reader would copy it."""
    for mail in Mail.objects.filter(recipient=email).order_by("-pk")[:5]:
        if found := re.search(pattern, mail.text_body):
            return found[1]
    raise PlayError(f"Aucun courriel écrit à {email} ne porte ce qui est attendu.")


def _members_file(count: int) -> Iterator[dict[str, str]]:
    """The lines of the spreadsheet: one in ten is a structure, the others professionals."""
    for number in range(count):
        last, first = _LAST[number % len(_LAST)], _FIRST[number % len(_FIRST)]
        line = {
            "last_name": f"{last} {chr(65 + number // 26 % 26)}{chr(97 + number % 26)}",
            "first_name": first,
            "email": f"membre{number}.{count}@exemple.test",
        }
        if number % 10 == 4:
            kind = _STRUCTURES[number // 10 % len(_STRUCTURES)]
            yield line | {
                "kind": "Structure",
                "structure_name": f"{STRUCTURES[kind]} n° {number // 10 + 1}",
                "structure_kind": STRUCTURES[kind],
                "function": "Directrice",
            }
        else:
            yield line | {"profession": PROFESSIONS[_PROFESSIONS[number % len(_PROFESSIONS)]]}


PROJECTS: Final[dict[str, Callable[[ProjectPlay], HealthProject]]] = {
    "projet-de-sante": ProjectPlay.recognised,
    "projet-sans-reponse": ProjectPlay.tacit,
}
