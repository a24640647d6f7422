"""Drawing the territory of a case: its field in a step, and a page of its own."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_safe

from accounts.http import PersonRequest
from cpts_portal.memo import Memo
from cpts_portal.transactions import writes_when_posted
from cpts_portal.words import figure
from procedures.schema import FieldKind
from territories import services
from territories.errors import TerritoryError
from territories.models import Commune, Territory
from territories.pasted_list import PastedLine, read_pasted_list
from workflow import overlaps
from writing import rules
from writing import territory as shown
from writing.content import WrittenContent, procedure_of, read_content, territory_of
from writing.forms import Control
from writing.kinds import WrittenKind, written_of
from writing.links import addresses, field_url, page
from writing.models import WrittenCase
from writing.views.access import editable_case, refuse_locked, visible_case

STATE_ANCHOR: Final = "territoire-etat"
# There are fewer départements than this.
_MOST_DRAWN: Final = 120


def field_context(
    case: WrittenCase,
    content: WrittenContent,
    opened: str = "",
    *,
    may_edit: bool,
    standalone: bool = False,
) -> dict[str, Any]:
    """What `writing/territory/_field.html` shows, under the name `territory`.

    A large territory is folded but for the département `opened`. `standalone`: on the page of
    the territory, whose form takes lines away.
    """
    summary = content.territory
    lines = shown.read_lines(territory_of(case), summary, opened)
    return _context(content, lines, opened, may_edit=may_edit, standalone=standalone)


# About a hundred large territories.
_kept_fields = Memo[SafeString](limit=8_000_000, weigh=len)


def field_markup(case: WrittenCase, content: WrittenContent, field: Control) -> SafeString:
    """The territory inside a step: drawn once for all that its figures and its lines say."""
    procedure = content.procedure
    lines = shown.read_lines(territory_of(case), content.territory)

    def drawn() -> SafeString:
        context = {
            "case": case,
            "field": field,
            "may_edit": field.may_edit,
            "territory": _context(content, lines, "", may_edit=field.may_edit, standalone=False),
        }
        return SafeString(render_to_string("writing/territory/_field.html", context))

    key = (case.public_id, procedure.key, procedure.version, field.key, field.may_edit)
    return _kept_fields.get((*key, content.territory, lines), drawn)


def _context(
    content: WrittenContent, lines: shown.Lines, opened: str, *, may_edit: bool, standalone: bool
) -> dict[str, Any]:
    summary = content.territory
    groups = shown.groups(lines, summary, may_edit=may_edit, standalone=standalone)
    return {
        "figures": shown.figures(summary, content.procedure),
        "summary": summary,
        "groups": groups,
        "is_empty": summary.is_empty,
        "is_folded": summary.commune_count > shown.MAX_OPEN_LINES,
        "opened": opened,
    }


@writes_when_posted
@require_safe
def edit(request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID) -> HttpResponse:
    """The territory's own page: search, add in every way, list, remove."""
    return _page(request, visible_case(request, kind, public_id, completing=True))


def _page(
    request: PersonRequest,
    case: WrittenCase,
    *,
    refusal: tuple[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:
    """`refusal` is (id of the control, sentence); `typed` is shown again where it was."""
    content = read_content(case)
    search = request.GET.get("q", "").strip()[:120]
    territory = territory_of(case)
    may_edit = rules.may_write(case, request.user, territory_key(case))
    typed = {"code": ""} | dict(typed or {})
    departments = shown.departments()
    gathered_in = _storable(request.GET.get("dans", ""))
    gathered = shown.gatherings(territory, gathered_in) if gathered_in and may_edit else None
    context = {
        "case": case,
        "pages": addresses(case),
        "may_edit": may_edit,
        "completion": case.buffer.request if case.buffer else None,
        "territory": field_context(
            case,
            content,
            request.GET.get("departement", ""),
            may_edit=may_edit,
            standalone=True,
        ),
        "search": search,
        "offers": shown.offers(search, territory) if search else [],
        "wholes": shown.intercommunalities(search) if search else [],
        "suggestion": _suggestion(territory, request.GET.get("apres", "")),
        "departments": shown.department_options(
            departments, typed.get("departement", "") or gathered_in
        ),
        "gathered": gathered,
        "map_departments": shown.department_options(departments, on_map=True),
        "part_of": _commune(
            typed.get("code", "") if "nom" in typed else request.GET.get("partie", "")
        ),
        "step_url": _step_url(case, content),
        "simulator": page(case, "simulation") if written_of(case).simulates else "",
        "typed": typed,
        "refused": [(refusal[0], "", refusal[1])] if refusal else [],
    }
    return render(request, "writing/territory/edit.html", context, status=422 if refusal else 200)


@require_safe
def codes(request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID) -> JsonResponse:
    """What the map fills: INSEE codes of whole communes, of those present by parts, of others."""
    case = visible_case(request, kind, public_id)
    drawn = [_storable(code) for code in request.GET.getlist("departement")[:_MOST_DRAWN]]
    return JsonResponse(shown.map_codes(case, request.user, drawn))


@require_safe
def checks(request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID) -> HttpResponse:
    """What deserves a look in the territory as it is drawn now, as a page or for its script.

    A deposited case's is read in its tab, where the office reads it too.
    """
    case = visible_case(request, kind, public_id, completing=True)
    if case.is_deposited and case.buffer is None:
        return redirect("cases:territory", case.public_id)
    lines = overlaps.lines_of_territory(territory_of(case))
    found = overlaps.find_overlaps(lines, community_id=case.community_id)
    known = overlaps.known_overlaps(found, request.user, case=case)
    context = {
        "case": case,
        "is_empty": not lines,
        "checks": overlaps.remarks(lines, procedure_of(case)),
        "overlaps": [one.sentence for one in known],
    }
    if not request.headers.get("X-Fragment"):
        return render(request, "writing/territory/checks.html", context)
    response = render(request, "writing/territory/_checks.html", context)
    response["X-Fragment"] = "checks"
    patch_vary_headers(response, ["X-Fragment"])
    return response


def _step_url(case: WrittenCase, content: WrittenContent) -> str:
    """The step of the form that holds the territory."""
    for section in content.procedure.sections:
        for field in section.fields:
            if field.kind == "territory":
                return field_url(case, section.key, field.key)
    return page(case, "detail")


def _commune(code: str) -> Commune | None:
    code = _storable(code)
    return Commune.objects.filter(code=code, is_active=True).first() if code else None


def _suggestion(territory: Territory, code: str) -> shown.Whole | None:
    code = _storable(code)
    return shown.suggestion(territory, code) if code else None


# --- Changing --------------------------------------------------------------------------


def _add(territory: Territory, data: Mapping[str, str]) -> str:
    return services.add_communes(territory, [data.get("code", "")]).message


def _add_intercommunality(territory: Territory, data: Mapping[str, str]) -> str:
    return services.add_intercommunality(territory, data.get("siren", "")).message


def _add_department(territory: Territory, data: Mapping[str, str]) -> str:
    if not data.get("departement"):
        raise TerritoryError("Choisissez d’abord un département dans la liste.")
    return services.add_department(territory, data["departement"]).message


def _add_part(territory: Territory, data: Mapping[str, str]) -> str:
    figure = "".join(data.get("habitants", "").split())
    if figure and not (figure.isascii() and figure.isdigit() and len(figure) < 9):
        raise TerritoryError(
            "Le nombre d’habitants ne peut pas être lu. Écrivez un nombre entier, sans autre "
            "signe, ou laissez la case vide."
        )
    part = services.add_part(
        territory, data.get("code", ""), data.get("nom", ""), int(figure) if figure else None
    )
    return f"« {part.part_name} », partie de {part.commune}, est ajoutée au territoire."


Gesture = Callable[[Territory, Mapping[str, str]], str]
# What the address says: how it is done, and the control a refusal leads to.
_ADDING: Final[Mapping[str, tuple[Gesture, str]]] = {
    "ajouter": (_add, "recherche"),
    "intercommunalite": (_add_intercommunality, "recherche"),
    "departement": (_add_department, "departement"),
    "partie": (_add_part, "nom-partie"),
}


@require_http_methods(["GET", "HEAD", "POST"])
def change(
    request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID, action: str
) -> HttpResponse:
    """One gesture on the territory. Two people may draw at once: each gesture waits its turn."""
    others = {
        "retirer": _remove,
        "vider": _clear,
        "liste": _read_list,
        "confirmer": _confirm_list,
        "selection": _select,
        "deselection": _deselect,
    }
    if action not in _ADDING and action not in others:
        raise Http404(action)
    if request.method != "POST":
        return _ask(request, kind, public_id, action)
    case = _drawable(request, kind, public_id, lock=True)
    if action in others:
        return others[action](request, case)
    perform, control = _ADDING[action]
    data = {name: _storable(value) for name, value in request.POST.dict().items()}
    try:
        message = perform(territory_of(case), data)
    except TerritoryError as refused:
        return _refused(request, case, control, refused.message)
    return _done(request, case, message, data.get("code", "") if perform is _add else "")


def _drawable(
    request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID, *, lock: bool = False
) -> WrittenCase:
    case = editable_case(request, kind, public_id, lock=lock)
    refuse_locked(case, request.user, [territory_key(case)])
    return case


def territory_key(case: WrittenCase) -> str:
    """The field of the form that holds the territory."""
    fields = procedure_of(case).fields
    return next((field.key for field in fields if field.kind == FieldKind.TERRITORY), "")


def _storable(text: str) -> str:
    """The text without the one character PostgreSQL refuses: a machine's, never a person's."""
    return text.replace("\0", "")


def _ask(
    request: PersonRequest, kind: WrittenKind, public_id: uuid.UUID, action: str
) -> HttpResponse:
    case = _drawable(request, kind, public_id)
    if action != "vider":
        return redirect(page(case, "territory"))
    count = territory_of(case).parts.count()
    context = {
        "title": "Vider le territoire ?",
        "text": f"{shown.plural(count, 'ligne sera retirée', 'lignes seront retirées')}. "
        f"Les autres réponses {case.words.of_the} ne changent pas.",
        "action_label": "Vider le territoire",
        "cancel_url": page(case, "territory"),
        "danger": True,
    }
    return render(request, "components/confirm_page.html", context)


def _remove(request: PersonRequest, case: WrittenCase) -> HttpResponse:
    chosen = [
        int(one)
        for one in request.POST.getlist("part")
        if one.isascii() and one.isdigit() and len(one) < 19
    ]
    count = services.remove(territory_of(case), chosen) if chosen else 0
    if not chosen:
        message = "Rien n’a été retiré : cochez d’abord les communes à retirer."
    elif not count:
        message = "C’était déjà retiré du territoire."
    elif count == 1:
        message = "La commune est retirée du territoire."
    else:
        message = f"{figure(count)} lignes sont retirées du territoire."
    return _done(request, case, message)


def _chosen(request: PersonRequest) -> list[str]:
    return [_storable(code) for code in request.POST.getlist("code")]


def _select(request: PersonRequest, case: WrittenCase) -> HttpResponse:
    """Add the communes chosen on the map."""
    try:
        message = services.add_communes(case.community.territory, _chosen(request)).message
    except TerritoryError as refused:
        return _refused(request, case, "recherche", refused.message)
    return _done(request, case, message)


def _deselect(request: PersonRequest, case: WrittenCase) -> HttpResponse:
    """Take away the communes chosen on the map, whole or by parts."""
    count = services.remove_communes(case.community.territory, _chosen(request))
    message = (
        f"{shown.plural(count, 'ligne est retirée', 'lignes sont retirées')} du territoire."
        if count
        else "C’était déjà retiré du territoire."
    )
    return _done(request, case, message)


def _clear(request: PersonRequest, case: WrittenCase) -> HttpResponse:
    count = services.clear(territory_of(case))
    message = "Le territoire est vide." if count else "Le territoire était déjà vide."
    return _done(request, case, message)


def _done(request: PersonRequest, case: WrittenCase, message: str, code: str = "") -> HttpResponse:
    if request.headers.get("X-Fragment"):
        return _fragment(request, case, message=message, code=code)
    messages.success(request, message)
    query = f"?apres={code}" if code else ""
    return redirect(f"{page(case, 'territory')}{query}#{STATE_ANCHOR}")


def _refused(
    request: PersonRequest, case: WrittenCase, control: str, sentence: str
) -> HttpResponse:
    if request.headers.get("X-Fragment"):
        return _fragment(request, case, refusal=sentence)
    return _page(request, case, refusal=(control, sentence), typed=request.POST.dict())


def _fragment(
    request: PersonRequest,
    case: WrittenCase,
    *,
    message: str = "",
    refusal: str = "",
    code: str = "",
) -> HttpResponse:
    """The figures and the list alone, for the script that has just changed them."""
    content = read_content(case)
    standalone = request.headers["X-Fragment"] == "page"
    context = {
        "case": case,
        "may_edit": True,
        "standalone": standalone,
        "territory": field_context(
            case,
            content,
            request.POST.get("ouvert", ""),
            may_edit=True,
            standalone=standalone,
        ),
        "suggestion": _suggestion(territory_of(case), code),
        "message": message,
        "refusal": refusal,
        "f": {"context": content.territory},
    }
    response = render(
        request, "writing/territory/_state.html", context, status=422 if refusal else 200
    )
    # Tells the script this answer from a login page or an error page.
    response["X-Fragment"] = "territory"
    return response


# --- A pasted list -----------------------------------------------------------------------


def _read_list(request: PersonRequest, case: WrittenCase) -> HttpResponse:
    text = request.POST.get("liste", "")
    if not text.strip():
        return _refused(request, case, "liste", "Collez au moins un nom ou un code de commune.")
    return _list_page(request, case, text)


def _list_page(
    request: PersonRequest,
    case: WrittenCase,
    text: str,
    *,
    refusal: str = "",
    picked: frozenset[str] | None = None,
) -> HttpResponse:
    """Each line and its answer. `picked` are the codes chosen before a refusal, if any."""
    content = read_content(case)
    try:
        lines = read_pasted_list(
            text,
            department_codes=content.territory.department_codes,
            region_code=case.region_id,
        )
    except TerritoryError as refused:
        return _refused(request, case, "liste", refused.message)
    answered = [_Answered(number, line, picked) for number, line in enumerate(lines, start=1)]
    context = {
        "case": case,
        "text": text,
        "answers": answered,
        "count_sentence": _in_words(answered),
        "refused": [("reponses", "", refusal)] if refusal else [],
    }
    return render(request, "writing/territory/list.html", context, status=422 if refusal else 200)


def _in_words(answered: "list[_Answered]") -> str:
    found = sum(one.is_found for one in answered)
    to_choose = sum(one.is_open for one in answered)
    lost = sum(one.is_lost for one in answered)
    said = [shown.plural(found, "commune reconnue", "communes reconnues")]
    if to_choose:
        said.append(shown.plural(to_choose, "ligne à préciser", "lignes à préciser"))
    if lost:
        said.append(shown.plural(lost, "ligne inconnue", "lignes inconnues"))
    return f"{', '.join(said)}."


class _Answered:
    """One pasted item as the page asks about it."""

    def __init__(self, number: int, line: PastedLine, picked: frozenset[str] | None) -> None:
        self.number = number
        self.line = line
        self.is_found = line.commune is not None
        self.is_open = not self.is_found and bool(line.choices)
        self.is_lost = not self.is_found and not line.choices
        self.is_ticked = self.is_found and (
            picked is None or (line.commune is not None and line.commune.code in picked)
        )
        self.chosen = next((c.code for c in line.choices if picked and c.code in picked), "")


def _confirm_list(request: PersonRequest, case: WrittenCase) -> HttpResponse:
    asked = [name for name in request.POST if name.startswith("choix-")]
    chosen = request.POST.getlist("code") + [request.POST.dict()[name] for name in asked]
    picked = [_storable(code) for code in chosen]
    text = request.POST.get("liste", "")
    try:
        message = services.add_communes(territory_of(case), picked).message
    except TerritoryError as refused:
        if not text.strip():
            return _refused(request, case, "liste", refused.message)
        return _list_page(request, case, text, refusal=refused.message, picked=frozenset(picked))
    return _done(request, case, message)
