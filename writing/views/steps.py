"""Filling in a case: opening it, its steps, autosave, tables in and out, what is missing."""

import json
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial, wraps
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst, slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.http import PersonRequest
from cpts_portal import spreadsheets, words
from cpts_portal.memo import Memo
from cpts_portal.transactions import writes_when_posted
from procedures import answers as answer_rules
from procedures.schema import Field, FieldKind, Section
from territories.population import TerritorySummary
from workflow.services import ActionRefusedError
from writing import links, markup, rules, tables
from writing.cells import max_rows, rows_as_value
from writing.content import (
    WrittenContent,
    missing_before_deposit,
    procedure_of,
    read_content,
    section_of,
)
from writing.forms import (
    WRITTEN_KINDS,
    Control,
    base_mark,
    control,
    control_value,
    controls,
    normalised,
    posted_rows,
    problem_sentences,
)
from writing.kinds import Words, WrittenKind, written_of
from writing.links import page
from writing.models import WrittenCase
from writing.saving import Outcome, clash, save_field, save_step
from writing.services import Conflict
from writing.steps import neighbours, steps_of
from writing.views import attachments, territory
from writing.views.access import editable_case, refuse_locked, visible_case

# --- A step -------------------------------------------------------------------------


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def step(
    request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID, section: str
) -> HttpResponse:
    """One section of the form. A POST saves all of it and goes where its button says."""
    if request.method == "POST":
        return _save(request, editable_case(request, kind, public_id, lock=True), section)
    case = visible_case(request, kind, public_id, completing=True)
    if case.is_deposited and case.buffer is None:
        return redirect(page(case, "detail"))
    return _page(request, case, section)


def _page(
    request: PersonRequest,
    case: WrittenCase,
    section_key: str,
    outcomes: Sequence[Outcome] = (),
) -> HttpResponse:
    content = read_content(case)
    section = _section_or_404(content, section_key)
    unlocked = {
        field.key for field in section.fields if rules.may_write(case, request.user, field.key)
    }
    may_edit = bool(unlocked)
    typed = {out.field.key: out.typed for out in outcomes if out.must_be_shown_again}
    is_checked = bool(outcomes) or "a-corriger" in request.GET
    drawn = {}
    if may_edit and not is_checked:
        drawn = _stored_fields(case, section, content, unlocked)
    rest = [field for field in section.fields if field.key not in drawn]
    checked = controls(rest, content, typed)
    _complete(checked, case, content, unlocked)
    _show_outcomes(checked, outcomes)
    if may_edit:
        address = links.addresses(case).fields
        for item in checked:
            if item.may_edit and item.kind in WRITTEN_KINDS:
                item.html = markup.field(item, address)
    by_key = drawn | {item.key: item for item in checked}
    shown = [by_key[field.key] for field in section.fields]
    missing = missing_before_deposit(content)
    steps = steps_of(case, content, missing)
    before, after = neighbours(steps, section.key)
    context = {
        "case": case,
        "pages": links.addresses(case),
        "section": section,
        "steps": markup.steps(steps, section.key, writes=may_edit),
        "step_count": len(steps),
        "position": [step.key for step in steps].index(section.key) + 1,
        "before": before,
        "after": after,
        "controls": shown,
        "may_edit": may_edit,
        "completion": case.buffer.request if case.buffer else None,
        "to_complete": _to_complete(case, content),
        "missing": links.links(case, missing),
        "missing_label": missing_label(case.words, len(missing)),
        "refused": _refused(checked) if is_checked else [],
        "is_lost": bool(typed),
        "account": str(request.user.pk),
        "csrf_cookie": settings.CSRF_COOKIE_NAME,
    }
    return render(request, "writing/step.html", context, status=_status(outcomes))


class _Drawn(NamedTuple):
    """A field already drawn, as the page goes through it."""

    group: str
    html: SafeString


# About fifty full cases.
_kept_fields = Memo[SafeString](limit=16_000_000, weigh=len)


def _stored_fields(
    case: WrittenCase, section: Section, content: WrittenContent, unlocked: Collection[str]
) -> dict[str, _Drawn]:
    """The fields that hold an answer, each drawn once for each stored version of it."""
    address = links.addresses(case).fields

    def drawn(field: Field) -> SafeString:
        item = control(field, content)
        item.context = _beside(field, content)
        return markup.field(item, address)

    return {
        field.key: _Drawn(
            field.group,
            _kept_fields.get(
                (
                    address,
                    content.revisions.get(field.key, 0),
                    *content.mark(field),
                    _beside(field, content),
                ),
                partial(drawn, field),
            ),
        )
        for field in section.fields
        if field.key in unlocked and field.kind in WRITTEN_KINDS
    }


def _beside(field: Field, content: WrittenContent) -> TerritorySummary | None:
    """What a field is drawn from beside its own answer."""
    return content.territory if field.kind == FieldKind.POPULATION else None


def _to_complete(case: WrittenCase, content: WrittenContent) -> list[tuple[str, str]]:
    """What the open request asks for, as (label, where it is done)."""
    if case.buffer is None:
        return []
    return [
        (item.label, links.field_url(case, section, key))
        for key, item in case.buffer.items.items()
        if (section := section_of(content, key))
    ]


def _section_or_404(content: WrittenContent, key: str) -> Section:
    try:
        return content.procedure.section(key)
    except KeyError:
        raise Http404(key) from None


def _complete(
    shown: Iterable[Control],
    case: WrittenCase,
    content: WrittenContent,
    unlocked: Collection[str],
) -> None:
    """Give controls what is drawn by other rooms, or what a reader sees instead of them."""
    has_files = any(content.files.get(item.key) for item in shown)
    files = attachments.read_files(case, content) if has_files else {}
    own_fields = written_of(case).own_fields
    for item in shown:
        field = content.procedure.field(item.key)
        item.may_edit = item.key in unlocked
        if field.kind == FieldKind.ATTACHMENT:
            slot = content.procedure.slot(item.key)
            item.html = attachments.slot_markup(case, content, slot, files, item)
        elif field.kind == FieldKind.TERRITORY:
            item.html = territory.field_markup(case, content, item)
        elif item.key in content.own:
            held = content.own[item.key]
            item.html = own_fields[field.kind].in_step(case, field, held, may_edit=item.may_edit)
        elif field.kind == FieldKind.POPULATION:
            item.context = _beside(field, content)
        elif not item.may_edit and field.is_answer:
            item.display = answer_rules.display(field, content.answers.get(item.key))


def _show_outcomes(shown: Iterable[Control], outcomes: Iterable[Outcome]) -> None:
    by_key = {item.key: item for item in shown}
    for outcome in outcomes:
        item = by_key[outcome.field.key]
        if outcome.refusal:
            item.errors = [outcome.refusal]
        elif outcome.clash:
            item.clash = outcome.clash
            # The next save starts from the other's version, which its author has now seen.
            item.revision = f"{outcome.clash.revision}."


def _refused(shown: Iterable[Control]) -> list[tuple[str, str, str]]:
    """What the list at the top says, after a save: (anchor, label, sentence)."""
    listed = []
    for item in shown:
        if item.clash:
            sentence = f"{item.clash.by} l’a modifié pendant que vous écriviez : choisissez."
            listed.append((f"conflit-{item.key}", item.label, sentence))
        listed += [(item.id, "", error) for error in item.errors]
    return listed


def _status(outcomes: Iterable[Outcome]) -> int:
    statuses = [422 if out.refusal else 409 for out in outcomes if out.must_be_shown_again]
    return min(statuses, default=200)


def missing_label(words: Words, count: int) -> str:
    """How many things are missing, in words."""
    if not count:
        return f"Rien ne manque : {words.the} est rempli{words.e}."
    return "Il manque 1 élément" if count == 1 else f"Il manque {count} éléments"


def _save(request: PersonRequest, case: WrittenCase, section_key: str) -> HttpResponse:
    content = read_content(case)
    section = _section_or_404(content, section_key)
    sent = [field for field in section.fields if f"rev-{field.key}" in request.POST]
    refuse_locked(case, request.user, [field.key for field in sent])
    moved, landing = _row_action(section, request)
    outcomes = save_step(case, sent, request.POST, content, user=request.user, replaced=moved)
    if any(outcome.must_be_shown_again for outcome in outcomes):
        return _page(request, case, section_key, outcomes)
    here = links.step_url(case, section_key)
    if landing:
        return redirect(f"{here}#{landing}")
    if "then" in request.POST:
        return redirect(_destination(request, case, content, section, ""))
    troubled = any(outcome.saved and outcome.saved.problems for outcome in outcomes)
    go = request.POST.get("go", "")
    if outcomes:
        messages.success(request, f"Enregistré à {words.hour(timezone.now())}.")
    if troubled and go in {"next", "previous", ""}:
        # Said once, where it can be mended; the next press goes on.
        return redirect(f"{here}?a-corriger=1")
    return redirect(_destination(request, case, content, section, go))


def _destination(
    request: PersonRequest,
    case: WrittenCase,
    content: WrittenContent,
    section: Section,
    go: str,
) -> str:
    then, _, key = request.POST.get("then", "").partition(":")
    if case.buffer is not None and go in {"next", "completion"}:
        return reverse("cases:completion", args=[case.public_id, case.buffer.request.number])
    if then in {"attachments", "territory"}:
        return page(case, then)
    if then == "import" and any(field.key == key for field in section.fields):
        return page(case, "table-import", key)
    steps = steps_of(case, content, [])
    before, after = neighbours(steps, section.key)
    wanted = go.removeprefix("step:")
    target = next((step for step in steps if step.key == wanted), None)
    if go == "previous" and before:
        target = before
    elif go == "next":
        if after is None:
            return page(case, "deposit")
        target = after
    return target.url if target else links.step_url(case, section.key)


def _row_action(section: Section, request: PersonRequest) -> tuple[dict[str, Any], str]:
    """What a button of a table asks: the rows as they should be, and where to come back."""
    action, _, rest = request.POST.get("table", "").partition(":")
    key, _, number = rest.partition(":")
    field = next((f for f in section.fields if f.key == key and f.kind == FieldKind.TABLE), None)
    if field is None:
        return {}, ""
    rows = posted_rows(field, request.POST)
    index = int(number) if number.isdecimal() and len(number) < 5 else len(rows)
    first = field.columns[0].key
    if action == "add":
        filled = sum(not row.is_blank for row in rows)
        return {}, links.anchor(key, filled, first)
    if field.fixed_rows or index >= len(rows):
        return {}, ""
    to = {"up": index - 1, "down": index + 1}.get(action, index)
    row = rows.pop(index)
    if action in {"up", "down"}:
        rows.insert(max(to, 0), row)
    return {key: rows_as_value(rows)}, links.anchor(key, max(min(to, len(rows) - 1), 0), first)


# --- Autosave -----------------------------------------------------------------------


def _answers_json(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Refusals as JSON with a sentence, so that the script can react and nothing is lost."""

    @login_not_required
    @wraps(view)
    def answered(
        request: PersonRequest, kind: WrittenKind, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if not request.user.is_authenticated:
            return _refusal(401, "Votre session est terminée.")
        if request.headers.get("X-Account", str(request.user.pk)) != str(request.user.pk):
            return _refusal(
                401, "Vous êtes maintenant connecté avec un autre compte dans ce navigateur."
            )
        try:
            return view(request, kind, *args, **kwargs)
        except Http404:
            return _refusal(
                404,
                f"{capfirst(kind.words.this)} n’est pas accessible avec votre compte, ou n’existe "
                "plus. Revenez à « Mes projets ».",
            )
        except PermissionDenied as refused:
            return _refusal(403, str(refused))
        except ActionRefusedError as refused:
            return _refusal(422, refused.message)

    return answered


def _refusal(status: int, message: str, **more: Any) -> JsonResponse:
    return JsonResponse({"message": message, **more}, status=status)


@require_POST
@_answers_json
def autosave(
    request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID, field: str
) -> HttpResponse:
    """Write one field: `{"value": …, "revision": n or null}`, null to write over.

    Answers the new revision, the time and what is wrong with the value; 409 with the other's
    version when somebody changed the field since that revision.
    """
    value, revision = _read_body(request)
    case = editable_case(request, kind, public_id, key=field, lock=True)
    asked = _field_or_404(case, field)
    result = save_field(case, asked, value, user=request.user, base_revision=revision)
    if isinstance(result, Conflict):
        theirs = clash(asked, result)
        return _refusal(
            409,
            f"{theirs.by} a modifié ce champ pendant que vous écriviez.",
            by=theirs.by,
            at=theirs.at.isoformat(),
            text=theirs.text,
            value=control_value(asked, result.value),
            revision=result.revision,
            base=base_mark(result.revision, result.value),
            problems=problem_sentences(asked, result.value),
        )
    return JsonResponse(
        {
            "revision": result.revision,
            "base": base_mark(result.revision, normalised(asked, value)),
            "saved_at": timezone.now().isoformat(),
            "problems": result.problems,
        }
    )


def _read_body(request: PersonRequest) -> tuple[Any, int | None]:
    try:
        body = json.loads(request.body)
    except RequestDataTooBig:
        raise ActionRefusedError(
            "Cette réponse est trop longue pour être enregistrée. Raccourcissez-la, "
            "ou joignez le texte en pièce jointe."
        ) from None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or "value" not in body:
        raise ActionRefusedError("La demande n’a pas la forme attendue. Rechargez la page.")
    revision = body.get("revision", 0)
    if revision is not None and (
        not isinstance(revision, int) or isinstance(revision, bool) or not 0 <= revision < 2**31
    ):
        raise ActionRefusedError("La demande n’a pas la forme attendue. Rechargez la page.")
    return body["value"], revision


def _field_or_404(case: WrittenCase, key: str) -> Field:
    try:
        field = procedure_of(case).field(key)
    except KeyError:
        raise Http404(key) from None
    if field.kind not in WRITTEN_KINDS:
        raise Http404(key)
    return field


# --- What is missing ----------------------------------------------------------------


@require_GET
def missing(request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID) -> HttpResponse:
    """What is missing before the deposit, each line leading to its field.

    A script that keeps the list of a step current asks for the list alone (`X-Fragment`).
    """
    case = visible_case(request, kind, public_id)
    if case.is_deposited:
        return redirect(page(case, "detail"))
    content = read_content(case)
    listed = missing_before_deposit(content)
    label = missing_label(case.words, len(listed))
    context = {
        "case": case,
        "pages": links.addresses(case),
        "missing": links.links(case, listed),
        "missing_label": label,
        "steps": markup.steps(steps_of(case, content, listed)),
        "may_deposit": rules.may_deposit(case, request.user),
    }
    if request.headers.get("X-Fragment"):
        response = render(request, "writing/_missing_list.html", context)
        response["X-Missing-Label"] = quote(label)
        return response
    return render(request, "writing/missing.html", context)


# Wrong lines named in the message that follows an import; the page of a refusal names them all.
MAX_TOLD: Final = 10

# --- Tables in and out --------------------------------------------------------------

_EXPORTS: Final[Mapping[str, tuple[Callable[[Field, Any], bytes], str]]] = {
    "csv": (tables.to_csv, "text/csv; charset=utf-8"),
    "xlsx": (
        tables.to_xlsx,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
}


@require_GET
def table_export(
    request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID, field: str, extension: str
) -> HttpResponse:
    """The rows of a table as a file a spreadsheet opens, and which can be imported back."""
    case = visible_case(request, kind, public_id, completing=True)
    table = _table_or_404(case, field)
    locked = case.is_deposited and not (case.buffer and case.buffer.unlocks(field))
    if locked or extension not in _EXPORTS:
        raise Http404
    write, content_type = _EXPORTS[extension]
    value = read_content(case).answers.get(field)
    name = f"{slugify(case.title)[:60] or 'dossier'}-{slugify(table.label)[:40]}.{extension}"
    return HttpResponse(
        write(table, value),
        content_type=content_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "private, no-store",
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def table_import(
    request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID, field: str
) -> HttpResponse:
    """Fill a table from a file: every row, or none unless the person takes the right ones."""
    case = editable_case(request, kind, public_id, key=field, lock=request.method == "POST")
    table = _table_or_404(case, field)
    content = read_content(case)
    section = content.procedure.section_of(field)
    back = links.field_url(case, section.key, field)
    context = {
        "case": case,
        "field": table,
        "section": section,
        "back": back,
        "headings": tables.headings(table),
        "row_count": len(content.answers.get(field) or []),
        "fixed": bool(table.fixed_rows),
        "mode": request.POST.get("mode", "add"),
        "max_rows": max_rows(table),
        "faults": [],
        "wrong": [],
    }
    if request.method != "POST":
        return render(request, "writing/table_import.html", context)
    try:
        imported = _read_upload(request, table, content)
    except tables.TableFileError as error:
        return render(
            request, "writing/table_import.html", context | {"faults": error.sentences}, status=422
        )
    if imported.wrong and not (request.POST.get("partial") and imported.taken):
        more = {"wrong": imported.wrong, "right_count": imported.taken}
        return render(request, "writing/table_import.html", context | more, status=422)
    result = save_field(case, table, imported.value, user=request.user, base_revision=None)
    assert not isinstance(result, Conflict)  # noqa: S101 - written over, under the case's lock
    messages.success(request, _import_report(imported))
    return redirect(back)


def _read_upload(request: PersonRequest, table: Field, content: WrittenContent) -> tables.Imported:
    upload = request.FILES.get("file")
    if upload is None:
        raise tables.TableFileError(
            "Aucun fichier n’a été reçu. Choisissez un fichier .xlsx ou .csv, puis recommencez."
        )
    if (upload.size or 0) > spreadsheets.MAX_UPLOAD_BYTES:
        raise tables.TableFileError(spreadsheets.TOO_HEAVY)
    return tables.read_file(
        table,
        name=upload.name or "Ce fichier",
        content=upload.read(),
        current=content.answers.get(table.key),
        replace=request.POST.get("mode") == "replace",
    )


def _import_report(imported: tables.Imported) -> str:
    taken = "1 ligne importée" if imported.taken == 1 else f"{imported.taken} lignes importées"
    sentences = [f"{taken}."]
    if imported.wrong:
        sentences.append("Lignes laissées de côté\u00a0: " + " ".join(imported.wrong[:MAX_TOLD]))
    if len(imported.wrong) > MAX_TOLD:
        sentences.append(f"Et {len(imported.wrong) - MAX_TOLD} autres.")
    if imported.empty:
        told = "\u00a0; ".join(imported.empty[:MAX_TOLD])
        more = len(imported.empty) - MAX_TOLD
        sentences.append(
            f"Cellules vides, à remplir avant le dépôt\u00a0: {told}"
            f"{f', et {more} autres' if more > 0 else ''}."
        )
    if imported.ignored:
        names = ", ".join(f"«\u00a0{name}\u00a0»" for name in imported.ignored)
        sentences.append(f"Colonnes ignorées\u00a0: {names}.")
    return " ".join(sentences)


def _table_or_404(case: WrittenCase, key: str) -> Field:
    field = _field_or_404(case, key)
    if field.kind != FieldKind.TABLE:
        raise Http404(key)
    return field
