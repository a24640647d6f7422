"""The circuits of three regions, played from the deposit to the decision by everyone they name.

Each step calls the service that a page calls, as the person who would press the button; what
follows a commit is delivered by the outbox's own handlers. Nothing is written by hand, but the
day: a body's silence is noted as the worker will note it once its last day has passed.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Membership, Organisation, User
from communities.models import Community
from desks.demo import ACCOUNTS, DemoAccount, make_accounts
from letters.json_import import import_letter, read_json
from letters.models import LetterOfIntent
from outbox.models import Mail, OutboxEvent
from outbox.services import deliver_pending
from workflow import approving, decisions, opinions, proposing
from workflow.complement_asking import Asked, save_item, save_request, send, start_request
from workflow.consultations import close_the_silent
from workflow.grants import euros, grant, grants_of, record_payment
from workflow.meetings import plan_meeting, read_guests, record_held, suggested_guests
from workflow.models import (
    Arbitration,
    Case,
    CaseDocument,
    ConflictDeclaration,
    Consultation,
    Opinion,
)
from workflow.official import read_document
from workflow.overlaps import arbitrate, unsettled
from workflow.reserves import answer_reserve, lift_reserve, reserves_of
from workflow.services import perform
from workflow.synthesis import save_synthesis
from writing import services as writing_services
from writing.buffer import open_buffer
from writing.content import procedure_of

SCENARIOS: Final = settings.BASE_DIR / "fixtures" / "scenarios"
PIECES: Final = SCENARIOS / "pieces"
# How long the worker of a running portal may hold what was just written.
DELIVERY_SECONDS: Final = 120
_ROLE: Final = Membership.Role


class PlayError(Exception):
    """The play stopped; `message` says where and why, in French."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


# --- The cast -----------------------------------------------------------------------------------


def _members_of_urps() -> Iterator[DemoAccount]:
    """Somebody who writes and somebody who presides, in each URPS of Occitanie."""
    people = {
        "medecins": "Rémi Combes, Hélène Castan",
        "masseurs-kinesitherapeutes": "Paul Cazals, Sandrine Vergnes",
        "infirmiers": "Denis Escande, Odile Barthès",
        "chirurgiens-dentistes": "Luc Pagès, Agnès Rieux",
        "pharmaciens": "Inès Galy, Bruno Teyssier",
        "pedicures-podologues": "Marc Salvan, Élise Bonnafous",
        "orthophonistes": "Chloé Delmas, Anne Lacaze",
        "orthoptistes": "Hugo Viguier, Nadège Soulié",
        "biologistes": "Karine Pujol, Alain Marty",
        "sages-femmes": "Laure Cabrol, Maud Fabre",
    }
    known = {f"{person.first_name} {person.last_name}": person.email for person in ACCOUNTS}
    for key, names in people.items():
        for name, role in zip(names.split(", "), (_ROLE.REVIEWER, _ROLE.PRESIDENT), strict=True):
            first_name, last_name = name.split(" ")
            yield DemoAccount(
                known.get(name, f"{role.value}.{key}@exemple.test"),
                first_name,
                last_name,
                f"URPS {key} Occitanie, {role.label.lower()}",
                organisation=f"urps-{key}-occitanie",
                role=role,
            )


# Those of the demonstration first: their names stand.
CAST: Final = (
    *ACCOUNTS,
    *_members_of_urps(),
    DemoAccount(
        "signataire.cpam-oise@exemple.test",
        "Béatrice",
        "Morel",
        "CPAM de l’Oise, signataire",
        organisation="cpam-60",
        role=_ROLE.SIGNATORY,
    ),
    DemoAccount(
        "presidence.comite@exemple.test",
        "François",
        "Ménard",
        "Comité régional de suivi des Pays de la Loire, président",
        organisation="comite-regional-de-suivi-pays-de-la-loire",
        role=_ROLE.PRESIDENT,
    ),
)

# --- What they write ------------------------------------------------------------------------------

_MARKS: Final = {
    "missions": {"mark": 2, "comment": "Les missions socles y sont toutes."},
    "mobilisation": {"mark": 3, "comment": ""},
    "territory": {"mark": 2, "comment": "L’est du territoire reste à préciser."},
}
_POOR_MARKS: Final = _MARKS | {
    "mobilisation": {"mark": 0, "comment": "Aucun pédicure-podologue n’a été sollicité."}
}
_MERGED: Final = "Associer les professionnels de Graulhet à la gouvernance."


@dataclass(frozen=True)
class Script:
    """What a body answers, and how it comes to it."""

    position: str
    text: str = ""
    reserves: tuple[str, ...] = ()
    marks: Mapping[str, Any] = field(default_factory=dict)
    # What the president asks to change before giving it.
    sent_back: str = ""
    # Whether the team and the other bodies may read it.
    communicable: bool = True


# Of each URPS of Occitanie; one is not there, and stays silent.
OPINIONS: Final = {
    "medecins": Script("favourable", "Un projet attendu par les médecins.", marks=_MARKS),
    "masseurs-kinesitherapeutes": Script(
        "conflict_of_interest", "Le rédacteur habituel écrit avec l’équipe.", communicable=False
    ),
    "infirmiers": Script(
        "favourable_with_reserves",
        "Les infirmiers attendent une place dans le bureau.",
        (_MERGED, "Prévoir un volet sur les soins à domicile."),
        _MARKS,
    ),
    "chirurgiens-dentistes": Script(
        "favourable",
        "Un projet solide.",
        marks=_MARKS,
        sent_back="Ajoutez un mot sur les consultations non programmées.",
    ),
    "pharmaciens": Script("favourable", "Les pharmacies sont déjà engagées.", marks=_MARKS),
    "pedicures-podologues": Script(
        "unfavourable",
        "Notre profession n’a pas été sollicitée, alors que le pied diabétique est un axe du "
        "projet.",
        marks=_POOR_MARKS,
        communicable=False,
    ),
    "orthophonistes": Script(
        "favourable_with_reserves",
        "Le projet est bon, la gouvernance est à ouvrir.",
        (_MERGED.upper(),),
        _MARKS,
    ),
    "biologistes": Script("no_opinion", "Le projet ne concerne pas encore les laboratoires."),
    "sages-femmes": Script("favourable", "Le parcours de grossesse est bien décrit.", marks=_MARKS),
}
SILENT: Final = "orthoptistes"


# --- The play -----------------------------------------------------------------------------------


class Play:
    """One or several circuits played one after the other; `say` receives each line as it happens.

    Played again, it makes new cases: CPTS with another name, on the same communes, which the
    office arbitrates.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        # The cases it made: health projects too, when they are played.
        self.letters: list[Any] = []
        last = Mail.objects.order_by("pk").last()
        self._mails_before = last.pk if last else 0

    def run(self, circuits: Sequence[str]) -> None:
        """Play the circuits named. Raises Organisation.DoesNotExist and PlayError."""
        self.cast()
        for name in circuits:
            CIRCUITS[name](self)

    def cast(self) -> None:
        """Have everyone who acts. Raises Organisation.DoesNotExist."""
        make_accounts(CAST)

    # --- People -----------------------------------------------------------------------

    def lead(self, letter: LetterOfIntent) -> User:
        """The person who deposited, in their own name."""
        return User.objects.get(pk=letter.created_by_id)

    def member(self, code: str, role: str) -> User:
        """Somebody who holds this role, acting in it as the pages make them act."""
        held = (
            Membership.objects.filter(organisation__code=code, role=role, is_active=True)
            .select_related("organisation")
            .order_by("pk")
            .first()
        )
        if held is None:
            raise PlayError(f"Personne n’est « {role} » dans l’organisme {code}.")
        person = User.objects.get(pk=held.user_id)
        person.acting = held
        return person

    def tell(self, who: User | None, what: str) -> None:
        if who is None:
            self.say(f"  Le portail {what}")
        elif who.acting is None:
            self.say(f"  {who} (équipe de la CPTS) {what}")
        else:
            role = who.acting.get_role_display().lower()
            self.say(f"  {who} ({who.acting.organisation}, {role}) {what}")

    @contextmanager
    def scene(self, title: str) -> Iterator[None]:
        self.say(f"\n{title}")
        yield

    # --- Common steps -----------------------------------------------------------------

    def deliver(self) -> None:
        """Have the outbox delivered, here or by the worker of a running portal."""
        until = time.monotonic() + DELIVERY_SECONDS
        deliver_pending()
        waiting = OutboxEvent.objects.filter(done_at=None)
        while (event := waiting.first()) is not None:
            if event.last_error or time.monotonic() > until:
                raise PlayError(
                    f"« {event} » n’a pas abouti : {event.last_error or 'rien ne l’a traité'}. "
                    "Corrigez la cause ; le portail essaiera de nouveau."
                )
            time.sleep(0.2)
            deliver_pending()

    def deposit(self, file: str) -> LetterOfIntent:
        """Deposit a letter that comes with the portal, under a name that is still free."""
        told = read_json(SCENARIOS / f"{file}.json")
        title = told["answers"]["title"]
        same = Community.objects.filter(name__startswith=title).count()
        if same:
            told["answers"]["title"] = f"{title} ({same + 1})"
        letter = import_letter(told, folder=SCENARIOS, deposit=True).letter
        self.letters.append(letter)
        self.tell(self.lead(letter), f"dépose la lettre {letter.reference}, « {letter.title} ».")
        self.deliver()
        self.refresh(letter)
        asked = letter.consultations.live()
        expected = asked.filter(kind=Consultation.Kind.EXPECTED).count()
        informed = asked.filter(kind=Consultation.Kind.INFORMATION).count()
        self.tell(
            None,
            f"demande {expected} avis et informe {informed} organisme(s) ; la lettre est "
            f"« {letter.get_state_display()} », au bureau « {letter.office} ».",
        )
        return letter

    def refresh(self, letter: LetterOfIntent) -> None:
        """Read the letter again: services work on the row they lock."""
        letter.__dict__.update(LetterOfIntent.objects.get(pk=letter.pk).__dict__)
        letter._state.fields_cache.clear()

    def give_opinion(self, letter: Case, body: Organisation, script: Script) -> None:
        """A member drafts and submits, whoever presides reads and gives it."""
        request = Consultation.objects.live().get(case=letter.pk, body=body)
        president = self.member(body.code, _ROLE.PRESIDENT)
        role = _ROLE.SECRETARY if body.kind == Organisation.Kind.COMMITTEE else _ROLE.REVIEWER
        writer = self.member(body.code, role)
        if opinions.conflict_suspected(letter, writer):
            opinions.declare_conflict(
                request, user=writer, outcome=ConflictDeclaration.Outcome.WITHDRAWN
            )
            self.tell(writer, "est dans l’équipe de la CPTS : se déporte.")
            writer = president
        draft = self._draft(request, writer, script, revision=0)
        if script.sent_back:
            opinions.send_back(
                request, user=president, revision=draft.revision, comment=script.sent_back
            )
            self.tell(president, f"renvoie le projet : « {script.sent_back} »")
            draft = self._draft(request, writer, script, revision=draft.revision)
        given = opinions.validate_opinion(request, user=president, revision=draft.revision)
        self.tell(president, f"rend l’avis : {given.get_position_display().lower()}.")

    def _draft(
        self, request: Consultation, writer: User, script: Script, *, revision: int
    ) -> Opinion:
        draft = opinions.draft_opinion(
            request,
            user=writer,
            base_revision=revision,
            position=script.position,
            text=script.text,
            reserves=script.reserves,
            marks=script.marks,
            submit=True,
        )
        self.tell(writer, "rédige et soumet un projet d’avis.")
        return draft

    def take_up(self, letter: LetterOfIntent, agent: User) -> None:
        perform(letter, "take_up", actor=agent)
        self.tell(agent, "prend la lettre en charge.")
        self.refresh(letter)

    def settle_overlaps(self, letter: Case, agent: User) -> None:
        """Write the arbitration without which a territory shared with another CPTS stops all."""
        for overlap in unsettled(letter):
            arbitrate(
                letter,
                overlap.case_id,
                outcome=Arbitration.Outcome.ACCEPTED,
                reason="Les deux équipes travaillent ensemble sur ces communes.",
                actor=agent,
            )
            count = len(overlap.communes)
            self.tell(agent, f"arbitre {count} commune(s) qu’un autre projet a aussi.")

    def propose(self, letter: LetterOfIntent, agent: User, **text: Any) -> None:
        self.settle_overlaps(letter, agent)
        self.refresh(letter)
        proposing.save_proposal(letter, user=agent, base_revision=0, submit=True, **text)
        self.tell(agent, "propose l’acceptation à la signature.")
        self.deliver()

    def sign(self, letter: LetterOfIntent, signatory: User, capacity: str) -> None:
        """The signatory reads the text and approves it."""
        decision = decisions.open_decision(letter)
        if decision is None:
            raise PlayError(f"Aucune décision n’est proposée sur {letter.reference}.")
        approving.approve(
            letter, user=signatory, text_sha256=decision.text_sha256, capacity=capacity
        )
        self.refresh(letter)
        self.deliver()
        self.tell(signatory, f"signe ; la lettre est « {letter.get_state_display()} ».")

    def grant(self, letter: LetterOfIntent, agent: User, key: str, amount: str) -> None:
        aid = grant(
            letter, key, amount=Decimal(amount), granted_on=timezone.localdate(), actor=agent
        )
        self.tell(agent, f"accorde l’aide « {aid.label} » : {euros(aid.amount)}.")

    def follow_up(self, letter: LetterOfIntent, agent: User) -> None:
        """The team answers the first reserve, the agent lifts it and notes the payments."""
        reserve = reserves_of(letter).order_by("rank").first()
        if reserve is not None:
            lead = self.lead(letter)
            answer_reserve(
                reserve, user=lead, text="Deux réunions ont eu lieu, comptes rendus joints."
            )
            self.tell(lead, "répond à la première réserve.")
            lift_reserve(reserve, actor=agent, proof="Comptes rendus des deux réunions.")
            self.tell(agent, "lève cette réserve.")
        for aid in grants_of(letter).filter(cancelled_at=None):
            record_payment(aid, paid_on=timezone.localdate(), actor=agent)
            self.tell(agent, f"note le versement de « {aid.label} ».")

    # --- Complements ------------------------------------------------------------------

    def complete(self, letter: LetterOfIntent, agent: User) -> None:
        """The office asks for a map and a clearer answer; the lead deposits version 2."""
        request = start_request(letter, user=agent)
        for asked in (
            Asked(key="map", reason="missing"),
            Asked(
                key="prediagnosis",
                reason="unclear",
                comment="Combien de patients n’ont pas de médecin traitant ?",
            ),
        ):
            save_item(request, asked, user=agent)
        due_on = timezone.localdate() + timedelta(days=20)
        save_request(request, user=agent, message="Deux points à compléter.", due_on=due_on)
        send(request, user=agent)
        self.deliver()
        self.tell(agent, "demande deux compléments ; le délai est suspendu.")
        lead = self.lead(letter)
        self.refresh(letter)
        open_buffer(letter, lead)
        field_ = procedure_of(letter).field("prediagnosis")
        writing_services.save_answer(
            letter,
            field_,
            "4 200 patients de plus de 16 ans n’ont pas de médecin traitant, dont 610 en "
            "affection de longue durée.",
            user=lead,
            base_revision=None,
        )
        slot = writing_services.slot_of(letter, "map")
        if slot is None:
            raise PlayError("Le formulaire n’a plus de carte à joindre.")
        drawing = (PIECES / "questionnaire-demonstration.pdf").read_bytes()
        writing_services.attach(
            letter, slot, SimpleUploadedFile("carte-du-territoire.pdf", drawing), user=lead
        )
        self.refresh(letter)
        perform(letter, "answer_completion", actor=lead)
        self.refresh(letter)
        self.deliver()
        self.tell(lead, f"dépose les compléments : la lettre est à la version {letter.version}.")

    # --- The three circuits -----------------------------------------------------------

    def occitanie(self) -> None:
        with self.scene("Occitanie : le Guichet, les dix URPS, l’ARS"):
            letter = self.deposit("tarn-ouest")
            bodies = {
                body.code.removeprefix("urps-").removesuffix("-occitanie"): body
                for body in Organisation.objects.filter(consultations__case=letter.pk)
            }
            for key, script in OPINIONS.items():
                self.give_opinion(letter, bodies[key], script)
            self.deliver()
            silent = Consultation.objects.live().get(case=letter.pk, body=bodies[SILENT])
            if silent.due_on is None:
                raise PlayError(f"{silent} n’a pas de date limite.")
            close_the_silent(today=silent.due_on + timedelta(days=1), case=letter)
            self.tell(
                None, f"note, le {silent.due_on:%d/%m/%Y} passé, le silence de {silent.body}."
            )
            desk = self.member("guichet-cpts-occitanie", _ROLE.COORDINATOR)
            for key, script in OPINIONS.items():
                if script.communicable:
                    given = Opinion.objects.current().get(
                        consultation__case=letter.pk, consultation__body=bodies[key]
                    )
                    opinions.set_communicable(given, user=desk, communicable=True)
            self.tell(desk, "choisit les avis que l’équipe pourra lire.")
            save_synthesis(
                letter,
                user=desk,
                text="Les avis soutiennent le projet. Deux organismes demandent d’ouvrir la "
                "gouvernance ; un avis est défavorable, un organisme s’est déporté.",
                base_revision=0,
            )
            perform(letter, "transmit", actor=desk)
            self.refresh(letter)
            self.deliver()
            self.tell(desk, f"transmet la lettre et la synthèse à « {letter.office} ».")
            agent = self.member("ars-occitanie", _ROLE.COORDINATOR)
            self.take_up(letter, agent)
            self.complete(letter, agent)
            self.grant(letter, agent, "fir_writing", "30000")
            self.grant(letter, agent, "urps_aid", "8000")
            self.propose(
                letter,
                agent,
                outcome="accept",
                law_keys=["csp_l1434_12", "aci"],
                fact_keys=["territory_relevant", "professionals_mobilised"],
                fact_text="Neuf URPS sur dix ont répondu, une seule défavorablement.",
                reserves=[_MERGED, "Solliciter les pédicures-podologues du territoire."],
            )
            self.sign(letter, self.member("ars-occitanie", _ROLE.SIGNATORY), "Directeur général")
            self.follow_up(letter, agent)

    def hauts_de_france(self) -> None:
        with self.scene("Hauts-de-France : l’ARS et l’Assurance Maladie, l’ARS signe d’abord"):
            agency = self.member("ars-hauts-de-france", _ROLE.SIGNATORY)
            letter, agent = self._examined("pays-de-lumbres", "ars-hauts-de-france-62")
            self.sign(letter, agency, "Directrice générale")
            self.sign(letter, self.member("cpam-62", _ROLE.SIGNATORY), "Directeur de la CPAM")
            self.meet(letter, agent)
        with self.scene("Hauts-de-France, un autre projet : l’Assurance Maladie signe d’abord"):
            letter, agent = self._examined("noyonnais-grand-roye", "ars-hauts-de-france-60")
            self.sign(letter, self.member("cpam-60", _ROLE.SIGNATORY), "Directrice de la CPAM")
            self.sign(letter, agency, "Directrice générale")

    def _examined(self, file: str, office: str) -> tuple[LetterOfIntent, User]:
        letter = self.deposit(file)
        agent = self.member(office, _ROLE.AGENT)
        self.take_up(letter, agent)
        self.propose(
            letter,
            agent,
            outcome="accept",
            law_keys=["csp_l1434_12", "aci"],
            fact_keys=["territory_relevant", "missions_committed"],
            fact_text="Le projet s’appuie sur les maisons de santé du territoire.",
            reserves=["Associer l’hôpital du territoire."],
        )
        return letter, agent

    def meet(self, letter: LetterOfIntent, agent: User) -> None:
        """Call the information meeting of the territory, then keep its minutes."""
        start = timezone.now() + timedelta(hours=1)
        meeting = plan_meeting(
            letter,
            actor=agent,
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            place="Salle des fêtes, place de la Mairie, 62380 Lumbres",
            guests=read_guests(suggested_guests(letter)),
        )
        self.deliver()
        self.tell(agent, f"invite {meeting.guests.count()} personnes à la réunion d’information.")
        minutes = (PIECES / "questionnaire-demonstration.pdf").read_bytes()
        record_held(
            meeting,
            actor=agent,
            held_on=timezone.localdate(),
            minutes=SimpleUploadedFile("compte-rendu.pdf", minutes),
        )
        self.tell(agent, "note que la réunion a eu lieu et en dépose le compte rendu.")

    def pays_de_la_loire(self) -> None:
        with self.scene("Pays de la Loire : le comité régional de suivi, puis l’ARS"):
            letter = self.deposit("erdre-et-cens")
            body = Organisation.objects.get(code="comite-regional-de-suivi-pays-de-la-loire")
            self.give_opinion(
                letter, body, Script("favourable", "Le comité soutient l’initiative.")
            )
            self.deliver()
            agent = self.member("ars-pays-de-la-loire", _ROLE.AGENT)
            perform(letter, "end_consultation", actor=agent)
            self.refresh(letter)
            self.tell(agent, "clôt les avis et instruit la lettre.")
            self.grant(letter, agent, "fir_engineering", "15000")
            self.propose(
                letter,
                agent,
                outcome="accept",
                law_keys=["csp_l1434_12", "regional_specifications_52"],
                fact_keys=["territory_relevant", "needs_identified"],
                fact_text="Le comité régional de suivi a rendu un avis favorable.",
            )
            signatory = self.member("ars-pays-de-la-loire", _ROLE.SIGNATORY)
            self.sign(letter, signatory, "Directeur général")
            self.follow_up(letter, agent)

    # --- What it produced -------------------------------------------------------------

    def documents(self, letter: Case) -> list[CaseDocument]:
        """The official documents of a case, oldest first."""
        found = CaseDocument.objects.filter(case=letter.pk).select_related("document")
        return list(found.order_by("document__created_at", "pk"))

    def mails(self) -> dict[str, list[Mail]]:
        """The mails written while it played, by recipient."""
        written: dict[str, list[Mail]] = {}
        for mail in Mail.objects.filter(pk__gt=self._mails_before).order_by("recipient", "pk"):
            written.setdefault(mail.recipient, []).append(mail)
        return written


CIRCUITS: Final[dict[str, Callable[[Play], None]]] = {
    "occitanie": Play.occitanie,
    "hauts-de-france": Play.hauts_de_france,
    "pays-de-la-loire": Play.pays_de_la_loire,
}


def file_name(document: CaseDocument) -> str:
    """A name that sorts by case: its number, then its kind."""
    return f"{document.document.number}-{document.kind}.pdf".replace("/", "-")


def write_documents(letters: Sequence[Case], play: Play, folder: Path) -> list[Path]:
    """Write every official document of these letters into a folder, made if need be.

    Raises DocumentAlteredError for a file that is no longer the one issued.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for letter in letters:
        for one in play.documents(letter):
            path = folder / file_name(one)
            path.write_bytes(read_document(one.document))
            written.append(path)
    return written
