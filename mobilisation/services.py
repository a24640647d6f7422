"""A questionnaire from its draft to its end. Each verb locks it, checks who acts, then writes.

The lead and the URPS open it together: nothing leaves before the URPS has agreed.
"""

from datetime import date, timedelta
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community
from mobilisation import rules
from mobilisation.links import new_code
from mobilisation.models import Gathering, ProfessionCount, Questionnaire, QuestionnaireLog
from outbox.services import publish
from procedures.questionnaires import model_for_region
from territories.models import TerritoryPart
from workflow.services import ActionRefusedError

LONGEST: Final = timedelta(days=366)
LONGEST_MESSAGE: Final = 2_000
MOST_GATHERINGS: Final = 30
State = Questionnaire.State
_EMPTY_TERRITORY: Final = (
    "Le territoire de la CPTS n’a encore aucune commune : on ne saurait pas à qui s’adresser. "
    "Ajoutez ses communes dans la lettre d’intention, puis revenez."
)


def urps_of(community: Community) -> QuerySet[Organisation]:
    """The URPS of the region of a CPTS, by name."""
    return Organisation.objects.filter(
        kind=Organisation.Kind.URPS, region=community.region_id
    ).order_by("name")


def communes_of(community: Community) -> list[tuple[str, str]]:
    """(INSEE code, name) of the communes of the territory of today, whole or in part, by name."""
    rows = TerritoryPart.objects.filter(
        territory__community_link__community=community,
        territory__community_link__valid_to__isnull=True,
    ).order_by("commune__name_key", "commune")
    return list(dict.fromkeys(rows.values_list("commune", "commune__name")))


# --- Preparing ------------------------------------------------------------------------------------


@transaction.atomic
def prepare_questionnaire(
    community: Community, values: dict[str, Any], *, by: User
) -> Questionnaire:
    """A draft with the region's questions of today; nobody is told.

    `values` are those of `change_questionnaire`. Raises PermissionDenied, or ActionRefusedError
    for an empty territory, or when another questionnaire is under way.
    """
    _require(rules.may_prepare(community, by))
    _require_territory(community)
    model = model_for_region(community.region_id)
    made = Questionnaire(
        community=community,
        model_key=model.key,
        model_version=model.version,
        code=new_code(),
        created_by=by,
    )
    _write(made, values)
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError as refused:
        if "questionnaire_one_under_way" not in str(refused):
            raise
        raise ActionRefusedError(
            "Un questionnaire est déjà en cours pour cette CPTS : continuez celui-là, ou attendez "
            "qu’il soit clos."
        ) from refused
    _note(made, "prepared", by)
    return made


@transaction.atomic
def change_questionnaire(
    questionnaire: Questionnaire, values: dict[str, Any], *, by: User
) -> Questionnaire:
    """Change a draft: « urps », « closes_on », « message » and « own_questions » (as stored)."""
    found = _locked(questionnaire)
    _require(rules.may_prepare(found.community, by))
    if found.state != State.DRAFT:
        raise ActionRefusedError(
            "Ce questionnaire n’est plus en préparation : rappelez-le d’abord, ou attendez la "
            "réponse de l’URPS."
        )
    _write(found, values)
    found.save()
    return found


def _write(questionnaire: Questionnaire, values: dict[str, Any]) -> None:
    urps: Organisation = values["urps"]
    community = questionnaire.community
    if urps.kind != Organisation.Kind.URPS or urps.region_id != community.region_id:
        raise ActionRefusedError("Choisissez une URPS de la région de la CPTS.")
    check_day(values["closes_on"])
    questionnaire.urps = urps
    questionnaire.closes_on = values["closes_on"]
    questionnaire.message = values["message"].strip()[:LONGEST_MESSAGE]
    questionnaire.own_questions = values["own_questions"]


def check_day(closes_on: date) -> None:
    """Raises ActionRefusedError for a last day that is past, today, or in more than a year."""
    today = timezone.localdate()
    if closes_on <= today:
        raise ActionRefusedError(
            "Le dernier jour pour répondre est déjà passé, ou c’est aujourd’hui : choisissez une "
            "date à venir."
        )
    if closes_on > today + LONGEST:
        raise ActionRefusedError(
            "Cette date est dans plus d’un an : c’est sans doute une faute de frappe."
        )


@transaction.atomic
def discard_questionnaire(questionnaire: Questionnaire, *, by: User) -> None:
    """Delete a draft that was never opened."""
    found = _locked(questionnaire)
    _require(rules.may_prepare(found.community, by))
    if found.state != State.DRAFT:
        raise ActionRefusedError("Seul un questionnaire en préparation peut être supprimé.")
    found.delete()


# --- With the URPS --------------------------------------------------------------------------------


@transaction.atomic
def submit_questionnaire(questionnaire: Questionnaire, *, by: User) -> None:
    """Ask the URPS to open it with the lead; its people are told."""
    found = _locked(questionnaire)
    _require(rules.may_lead(found.community, by))
    if found.state == State.SUBMITTED:
        raise ActionRefusedError("L’URPS a déjà été saisie : elle répondra ici.")
    if found.state != State.DRAFT:
        raise ActionRefusedError("Ce questionnaire a déjà été ouvert.")
    _require_territory(found.community)
    check_day(found.closes_on)
    found.state, found.submitted_at, found.refusal_reason = State.SUBMITTED, timezone.now(), ""
    found.save(update_fields=["state", "submitted_at", "refusal_reason"])
    _tell(found, _note(found, "submitted", by))


@transaction.atomic
def take_back(questionnaire: Questionnaire, *, by: User) -> None:
    """The team changes its mind before the URPS has answered."""
    found = _locked(questionnaire)
    _require(rules.may_lead(found.community, by))
    if found.state != State.SUBMITTED:
        raise ActionRefusedError("L’URPS a déjà répondu, ou n’a pas encore été saisie.")
    found.state = State.DRAFT
    found.save(update_fields=["state"])
    _note(found, "taken_back", by)


@transaction.atomic
def approve_questionnaire(questionnaire: Questionnaire, *, by: User) -> None:
    """The URPS agrees: it opens now. Raises ActionRefusedError when it no longer can."""
    found = _locked(questionnaire)
    _require(rules.may_approve(found, by))
    _require_submitted(found)
    _require_territory(found.community)
    if found.closes_on <= timezone.localdate():
        raise ActionRefusedError(
            "Le dernier jour pour répondre est passé : refusez le questionnaire en demandant à "
            "l’équipe une autre date."
        )
    found.state, found.approved_by, found.opened_at = State.OPEN, by, timezone.now()
    found.save(update_fields=["state", "approved_by", "opened_at"])
    _tell(found, _note(found, "approved", by))


@transaction.atomic
def refuse_questionnaire(questionnaire: Questionnaire, reason: str, *, by: User) -> None:
    """The URPS does not agree, and says why: the team may change it and ask again."""
    found = _locked(questionnaire)
    _require(rules.may_approve(found, by))
    _require_submitted(found)
    if not reason.strip():
        raise ActionRefusedError(
            "Dites pourquoi : l’équipe de la CPTS le lira et pourra corriger le questionnaire."
        )
    found.state, found.refusal_reason = State.DRAFT, reason.strip()[:LONGEST_MESSAGE]
    found.save(update_fields=["state", "refusal_reason"])
    _tell(found, _note(found, "refused", by))


# --- The end --------------------------------------------------------------------------------------


@transaction.atomic
def move_closing(questionnaire: Questionnaire, closes_on: date, *, by: User) -> None:
    """Another last day for an open questionnaire."""
    found = _locked(questionnaire)
    _require(rules.may_lead(found.community, by))
    _require_open(found)
    check_day(closes_on)
    found.closes_on = closes_on
    found.save(update_fields=["closes_on"])
    _note(found, "closing_moved", by, f"{closes_on:%d/%m/%Y}")


@transaction.atomic
def close_questionnaire(questionnaire: Questionnaire, *, by: User) -> None:
    """No more answers from now on; those given stay readable by their authors."""
    found = _locked(questionnaire)
    _require(rules.may_lead(found.community, by))
    _require_open(found)
    _close(found, by)


def close_due(today: date | None = None) -> int:
    """Close those whose last day has passed; how many. Running it again closes none."""
    day = today or timezone.localdate()
    closed = 0
    for one in Questionnaire.objects.filter(state=State.OPEN, closes_on__lt=day):
        with transaction.atomic():
            found = _locked(one)
            if found.state == State.OPEN and found.closes_on < day:
                _close(found, None)
                closed += 1
    return closed


def _close(questionnaire: Questionnaire, by: User | None) -> None:
    questionnaire.state, questionnaire.closed_at = State.CLOSED, timezone.now()
    questionnaire.save(update_fields=["state", "closed_at"])
    _tell(questionnaire, _note(questionnaire, "closed", by))


# --- What the lead and the URPS know --------------------------------------------------------------


@transaction.atomic
def write_counts(
    questionnaire: Questionnaire,
    counts: dict[str, tuple[int | None, int | None]],
    *,
    by: User,
) -> None:
    """By profession: how many are identified on the territory, how many were reached otherwise
    than by the list. None: not known."""
    found = _locked(questionnaire)
    _require(rules.may_count(found, by))
    _require_kept(found)
    known = {one.key for one in found.model.professions}
    before = {one.profession: one for one in found.profession_counts.all()}
    for profession, (identified, solicited) in counts.items():
        if profession not in known:
            continue
        line = before.get(profession) or ProfessionCount(questionnaire=found, profession=profession)
        if (line.identified, line.solicited) == (identified, solicited):
            continue
        line.identified, line.solicited = identified, solicited
        line.given_by = by
        line.given_for = by.acting.organisation if by.acting else None
        line.given_at = timezone.now()
        line.save()


@transaction.atomic
def write_methodology(questionnaire: Questionnaire, text: str, *, by: User) -> None:
    """How the professionals were reached, in the team's words; empty: in the portal's."""
    found = _locked(questionnaire)
    _require(rules.may_prepare(found.community, by))
    found.methodology = text.strip()[:LONGEST_MESSAGE]
    found.save(update_fields=["methodology"])


@transaction.atomic
def add_gathering(questionnaire: Questionnaire, values: dict[str, Any], *, by: User) -> Gathering:
    """Note a meeting that was held. Raises ActionRefusedError for one to come, or one too many."""
    found = _locked(questionnaire)
    _require(rules.may_prepare(found.community, by))
    if values["held_on"] > timezone.localdate():
        raise ActionRefusedError(
            "Cette réunion est à venir : notez-la une fois qu’elle aura eu lieu."
        )
    if found.gatherings.count() >= MOST_GATHERINGS:
        raise ActionRefusedError(
            f"{MOST_GATHERINGS} réunions sont déjà notées : retirez-en une, ou regroupez-les."
        )
    return Gathering.objects.create(questionnaire=found, **values)


@transaction.atomic
def remove_gathering(questionnaire: Questionnaire, pk: int, *, by: User) -> None:
    found = _locked(questionnaire)
    _require(rules.may_prepare(found.community, by))
    found.gatherings.filter(pk=pk).delete()


# --- Helpers --------------------------------------------------------------------------------------


def _locked(questionnaire: Questionnaire) -> Questionnaire:
    rows = Questionnaire.objects.select_for_update(of=("self",))
    return rows.select_related("community", "urps").get(pk=questionnaire.pk)


def _require(allowed: bool) -> None:  # noqa: FBT001 - reads as a sentence where it is called
    if not allowed:
        raise PermissionDenied


def _require_territory(community: Community) -> None:
    if not communes_of(community):
        raise ActionRefusedError(_EMPTY_TERRITORY)


def _require_submitted(questionnaire: Questionnaire) -> None:
    if questionnaire.state != State.SUBMITTED:
        raise ActionRefusedError("Ce questionnaire n’attend plus votre accord : rechargez la page.")


def _require_open(questionnaire: Questionnaire) -> None:
    if questionnaire.state != State.OPEN:
        raise ActionRefusedError("Ce questionnaire n’est pas ouvert : rechargez la page.")


def _require_kept(questionnaire: Questionnaire) -> None:
    if questionnaire.forgotten_at:
        raise ActionRefusedError(
            "Les réponses à ce questionnaire ont été effacées : ses comptes ne changent plus."
        )


def _note(
    questionnaire: Questionnaire, action: str, actor: User | None, detail: str = ""
) -> QuestionnaireLog:
    return QuestionnaireLog.objects.create(
        questionnaire=questionnaire, action=action, actor=actor, detail=detail[:500]
    )


def _tell(questionnaire: Questionnaire, log: QuestionnaireLog) -> None:
    publish("mobilisation.tell", key=str(log.pk), log=log.pk, questionnaire=questionnaire.pk)
