"""What the pages of complements show, read in a constant number of queries."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Prefetch
from django.utils import timezone

from accounts.models import User
from cpts_portal.words import long_date
from workflow import complement_rules as rules
from workflow.clock_words import counted
from workflow.complement_answers import is_touched
from workflow.kinds import kind_of
from workflow.models import Case, CompletionItem, CompletionLog, CompletionRequest, Snapshot
from workflow.models.complements import CompletionState

_TONES: dict[str, str] = {
    CompletionState.DRAFT: "new",
    CompletionState.SENT: "warning",
    CompletionState.ANSWERED: "success",
}


@dataclass(frozen=True)
class RequestRow:
    """A request in the list: its state in words, what it asks."""

    request: CompletionRequest
    state: str
    tone: str
    due: str


@dataclass(frozen=True)
class ItemRow:
    """An item of a request for one reader."""

    item: CompletionItem
    # What has become of it, in words; `tone` only repeats it.
    state: str
    tone: str
    # Where the team completes it; empty for anybody else, and for what the form no longer has.
    url: str = ""
    # What the team said, once it may be read.
    note: str = ""
    is_gone: bool = False


@dataclass
class RequestPage:
    """A request as one reader has it."""

    request: CompletionRequest
    rows: list[ItemRow]
    logs: list[CompletionLog]
    due: str
    is_overdue: bool
    has_blocking: bool
    changes: dict[str, bool] = field(default_factory=dict)


def request_rows(case: Case, user: User) -> list[RequestRow]:
    """The requests the person may read, the newest first: one query."""
    found = CompletionRequest.objects.visible_to(user).filter(case=case).select_related("office")
    return [
        RequestRow(
            one,
            one.get_state_display(),
            _TONES.get(one.state, ""),
            due_in_words(one),
        )
        for one in found.distinct()[:100]
    ]


def due_in_words(request: CompletionRequest) -> str:
    """When the answer is expected, was given, or why it no longer is."""
    if request.due_on is None:
        return ""
    day = long_date(request.due_on)
    if request.state == CompletionState.ANSWERED and request.ended_at:
        on = timezone.localdate(request.ended_at)
        late = ", après la date limite" if on > request.due_on else ""
        return f"Réponse déposée le {long_date(on)}{late}."
    if request.state == CompletionState.DRAFT:
        return f"Réponse demandée pour le {day}."
    if request.state != CompletionState.SENT:
        return ""
    return f"Réponse attendue jusqu’au {day}. {_left(request.due_on)}"


def _left(due_on: date) -> str:
    left = (due_on - timezone.localdate()).days
    if left > 0:
        return f"Il reste {counted(left, 'jour')}."
    if left == 0:
        return "C’est le dernier jour."
    return f"La date est passée depuis {counted(-left, 'jour')}."


def read_request(request: CompletionRequest, case: Case, user: User) -> RequestPage:
    """Items, log and what the answer changed, in three queries."""
    items = list(
        CompletionItem.objects.filter(request=request)
        .select_related("lifted_by")
        .prefetch_related(Prefetch("files"))
    )
    logs = list(request.logs.select_related("actor"))
    changes = _changes(request)
    known = {target.key for target in kind_of(case).targets(case)}
    return RequestPage(
        request=request,
        rows=[_row(item, request, case, user, changes=changes, known=known) for item in items],
        logs=logs,
        due=due_in_words(request),
        is_overdue=bool(
            request.is_open and request.due_on and request.due_on < timezone.localdate()
        ),
        has_blocking=any(item.blocking and not item.is_lifted for item in items),
        changes=changes,
    )


def _changes(request: CompletionRequest) -> dict[str, bool]:
    """Of an answered request: which items the new version changes."""
    if request.answered_version is None:
        return {}
    content: dict[str, Any] = Snapshot.objects.values_list("content", flat=True).get(
        case_id=request.case_id, version=request.answered_version
    )
    return {one["key"]: one["changed"] for one in content.get("completion", {}).get("items", [])}


def _row(
    item: CompletionItem,
    request: CompletionRequest,
    case: Case,
    user: User,
    *,
    changes: dict[str, bool],
    known: set[str],
) -> ItemRow:
    if item.is_lifted:
        return ItemRow(item, "N’est plus demandé", "")
    if request.state == CompletionState.ANSWERED:
        changed = changes.get(item.key, False)
        state = "Complété" if changed else "Expliqué" if item.note else "Laissé sans réponse"
        return ItemRow(item, state, "success" if changed or item.note else "", note=item.note)
    if not request.is_open:
        return ItemRow(item, "", "")
    is_gone = item.key not in known
    if user.acting is not None:
        # What the team prepares is its own until it is deposited.
        return ItemRow(item, "Attendu", "warning" if item.blocking else "", is_gone=is_gone)
    touched = is_touched(item, request)
    state = "Préparé" if touched else "Expliqué" if item.note else "À compléter"
    writable = rules.may_prepare_answer(case, user) and not is_gone
    return ItemRow(
        item,
        state,
        "success" if touched or item.note else "warning" if item.blocking else "",
        url=kind_of(case).target_url(case, item.key) if writable else "",
        note=item.note,
        is_gone=is_gone,
    )
