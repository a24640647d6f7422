"""The pieces that go with a case: each in its place, read by those who may see the case."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from cpts_portal.memo import Memo
from cpts_portal.transactions import writes_when_posted
from documents.downloads import send_attachment
from documents.models import Attachment
from documents.services import FileRefusedError, too_large
from documents.uploads import dropped_files
from procedures.schema import FILE_KINDS, AttachmentSlot
from workflow.services import ActionRefusedError
from writing import rules, services
from writing.buffer import buffered_file, open_buffer
from writing.content import WrittenContent, read_content
from writing.files import held_files
from writing.forms import Control
from writing.kinds import WrittenKind
from writing.links import addresses, page
from writing.models import WrittenCase
from writing.views.access import editable_case, refuse_locked, visible_case

NOTHING_SAVED: Final = "Rien n’a été enregistré : voici pourquoi."
# How a file's type is said, whatever its slot.
_KINDS = {mime: kind.label for kind in FILE_KINDS.values() for mime in kind.content_types}


@dataclass(frozen=True)
class ShownFile:
    """One file of a slot, as the page lists it."""

    id: uuid.UUID
    name: str
    kind: str
    size: int


Files = Mapping[str, list[ShownFile]]


def read_files(case: WrittenCase, content: WrittenContent) -> Files:
    """The case's files by slot, in one query: in none when the content counts none."""
    found: dict[str, list[ShownFile]] = {}
    if not content.files:
        return found
    for file in held_files(case):
        kind = _KINDS.get(file.content_type, "fichier")
        found.setdefault(file.slot, []).append(ShownFile(file.id, file.name, kind, file.size))
    return found


def slot_context(slot: AttachmentSlot, content: WrittenContent, held: Files) -> dict[str, Any]:
    """What `writing/attachments/_slot.html` shows of one slot, under the name `item`."""
    files = held.get(slot.key, [])
    deferred = content.deferred.get(slot.key, "").strip()
    status, tone = _status(slot, has_files=bool(files), deferred=bool(deferred))
    return {
        "slot": slot,
        "anchor": f"piece-{slot.key}",
        "files": files,
        "deferred": deferred,
        "status": status,
        "tone": tone,
        "accept": ",".join(slot.extensions),
        "remaining": max(slot.max_files - len(files), 0),
        "is_full": len(files) >= slot.max_files,
    }


# About a thousand slots.
_kept_slots = Memo[SafeString](limit=2_000_000, weigh=len)


def slot_markup(
    case: WrittenCase, content: WrittenContent, slot: AttachmentSlot, held: Files, item: Control
) -> SafeString:
    """A slot inside a step: drawn once for all that it holds."""
    shown = slot_context(slot, content, held)

    def drawn() -> SafeString:
        context = {"case": case, "item": shown, "may_edit": item.may_edit}
        inside = render_to_string("writing/attachments/_slot.html", context)
        return SafeString(f'<div id="{item.id}" tabindex="-1">{inside}</div>\n')

    procedure = content.procedure
    key = (case.public_id, procedure.key, procedure.version, slot.key, item.may_edit)
    return _kept_slots.get((*key, shown["deferred"], tuple(shown["files"])), drawn)


def _status(slot: AttachmentSlot, *, has_files: bool, deferred: bool) -> tuple[str, str]:
    """The state of a slot in words, and the tone that repeats it."""
    if has_files:
        return "fichier joint", "success"
    if deferred:
        return "à venir", "info"
    return ("à joindre", "warning") if slot.required else ("facultatif", "")


@writes_when_posted
@require_GET
def edit(request: HttpRequest, kind: WrittenKind, public_id: uuid.UUID) -> HttpResponse:
    """The step « Pièces jointes »: every slot, with its files."""
    return _page(request, visible_case(request, kind, public_id, completing=True))


def _page(
    request: HttpRequest,
    case: WrittenCase,
    *,
    refusals: Mapping[str, list[str]] | None = None,
    reasons: Mapping[str, str] | None = None,
    refused_title: str = NOTHING_SAVED,
) -> HttpResponse:
    content = read_content(case)
    refusals, reasons = refusals or {}, reasons or {}
    held = read_files(case, content)
    slots = [slot_context(slot, content, held) for slot in content.procedure.attachments]
    for item in slots:
        key = item["slot"].key
        item["may_edit"] = rules.may_write(case, cast(User, request.user), key)
        item["refusals"] = refusals.get(key, [])
        item["reason"] = reasons.get(key, item["deferred"])
    context = {
        "case": case,
        "pages": addresses(case),
        "slots": slots,
        "may_edit": any(item["may_edit"] for item in slots),
        "completion": case.buffer.request if case.buffer else None,
        "refused_title": refused_title,
        "refused": [
            (f"fichiers-{item['slot'].key}", item["slot"].label, sentence)
            for item in slots
            for sentence in item["refusals"]
        ],
    }
    return render(
        request, "writing/attachments/edit.html", context, status=422 if refusals else 200
    )


def _fragment(
    request: HttpRequest, case: WrittenCase, slot: AttachmentSlot, refusals: list[str]
) -> HttpResponse:
    """One slot, for the script that has just sent files to it."""
    content = read_content(case)
    item = slot_context(slot, content, read_files(case, content)) | {"refusals": refusals}
    response = render(
        request,
        "writing/attachments/_slot.html",
        {"case": case, "item": item, "may_edit": True},
        status=422 if refusals else 200,
    )
    # Tells the script this answer from a login page or an error page.
    response["X-Fragment"] = "slot"
    return response


@require_POST
def add(request: HttpRequest, kind: WrittenKind, public_id: uuid.UUID, slot: str) -> HttpResponse:
    """Keep the files that can be kept; say of each other one why it was not."""
    case = editable_case(request, kind, public_id, key=slot, lock=True)
    place = _slot_or_404(case, slot)
    files = cast("list[UploadedFile]", request.FILES.getlist("files"))
    dropped = dropped_files(request)
    refusals = [too_large(name).message for name in dropped]
    if not files and not dropped:
        refusals.append("Aucun fichier n’a été choisi. Choisissez-en un, puis envoyez-le.")
    kept = 0
    for file in files:
        try:
            services.attach(case, place, file, user=cast(User, request.user))
            kept += 1
        except FileRefusedError as refused:
            refusals.append(refused.message)
    if request.headers.get("X-Fragment"):
        return _fragment(request, case, place, refusals)
    if refusals:
        title = _refused_title(len(refusals), kept) if files or dropped else NOTHING_SAVED
        return _page(request, case, refusals={place.key: refusals}, refused_title=title)
    messages.success(request, f"« {place.label} » : {_in_words(kept)}.")
    return redirect(_slot_url(case, place.key))


def _refused_title(refused: int, kept: int) -> str:
    many = "Ces fichiers n’ont pas été gardés."
    title = many if refused > 1 else "Ce fichier n’a pas été gardé."
    if not kept:
        return title
    return f"{title} {'L’autre l’est' if kept == 1 else 'Les autres le sont'}."


def _in_words(count: int) -> str:
    return "le fichier est joint" if count == 1 else f"{count} fichiers sont joints"


@require_POST
def defer(request: HttpRequest, kind: WrittenKind, public_id: uuid.UUID, slot: str) -> HttpResponse:
    """Announce a piece as « à venir », with the reason; an empty reason withdraws it."""
    case = editable_case(request, kind, public_id, key=slot, lock=True)
    place = _slot_or_404(case, slot)
    reason = request.POST.get("reason", "")
    try:
        services.defer_attachment(case, place, reason, user=cast(User, request.user))
    except ActionRefusedError as refused:
        return _page(
            request, case, refusals={place.key: [refused.message]}, reasons={place.key: reason}
        )
    messages.success(
        request,
        f"« {place.label} » est annoncée comme à venir."
        if reason.strip()
        else f"« {place.label} » n’est plus annoncée comme à venir.",
    )
    return redirect(_slot_url(case, place.key))


@require_http_methods(["GET", "HEAD", "POST"])
def remove(
    request: HttpRequest, kind: WrittenKind, public_id: uuid.UUID, attachment: uuid.UUID
) -> HttpResponse:
    """Ask, then take a file off a draft."""
    case = editable_case(request, kind, public_id, lock=request.method == "POST")
    slot, file = _file_or_404(case, attachment)
    refuse_locked(case, cast(User, request.user), [slot])
    if request.method == "POST":
        services.detach(case, file)
        messages.success(request, f"« {file.name} » a été retiré.")
        return redirect(_slot_url(case, slot))
    is_kept = case.is_deposited and buffered_file(case, file.pk) is None
    fate = "restera dans la version déjà déposée" if is_kept else "sera effacé du portail"
    context = {
        "title": "Retirer ce fichier ?",
        "text": f"« {file.name} » {fate}. Vous pourrez en joindre un autre à sa place.",
        "action_label": "Retirer le fichier",
        "cancel_url": _slot_url(case, slot),
        "danger": True,
    }
    return render(request, "components/confirm_page.html", context)


@require_GET
def download(
    request: HttpRequest, kind: WrittenKind, public_id: uuid.UUID, attachment: uuid.UUID
) -> HttpResponse | FileResponse:
    """The file as it was uploaded, to whoever may see the case; else a 404."""
    shown = visible_case(request, kind, public_id)
    link = shown.attachments.filter(attachment_id=attachment).select_related("attachment").first()
    if link is None:
        # Joined in answer to a request and not deposited yet: for the team alone.
        open_buffer(shown, cast(User, request.user))
        return send_attachment(request, _file_or_404(shown, attachment)[1])
    return send_attachment(request, link.attachment)


def _file_or_404(case: WrittenCase, attachment: uuid.UUID) -> tuple[str, Attachment]:
    """A file the person works on, with its slot."""
    for file in held_files(case):
        if file.id == attachment:
            return file.slot, Attachment.objects.get(pk=file.id)
    raise Http404(f"{attachment} is not among the files of this case.")


def _slot_or_404(case: WrittenCase, key: str) -> AttachmentSlot:
    slot = services.slot_of(case, key)
    if slot is None:
        raise Http404(f"« {key} » n’est pas une pièce demandée avec {case.words.this}.")
    return slot


def _slot_url(case: WrittenCase, key: str) -> str:
    return f"{page(case, 'attachments')}#piece-{key}"
