"""The simulator: territories beside the one of the letter, for its team alone."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from letters import simulating, simulation
from letters.models import LetterOfIntent, TerritoryVariant
from letters.views.access import editable_letter, visible_letter
from territories import services
from territories.checks import check_territory
from territories.errors import TerritoryError
from territories.models import Territory
from territories.pasted_list import read_pasted_list
from territories.population import summarise
from workflow.overlaps import known_neighbours, lines_of_territory
from writing import rules
from writing import territory as shown
from writing.content import procedure_of, territory_of
from writing.views.territory import STATE_ANCHOR, territory_key

_SHOWN: Final = 5


def _letter(request: PersonRequest, public_id: uuid.UUID) -> LetterOfIntent:
    """The letter, for its team: an office on whose desk it lies finds nothing here."""
    if request.user.acting is not None:
        raise Http404("Le simulateur n’est qu’à l’équipe.")
    return visible_letter(request, public_id, completing=True)


def _variant(letter: LetterOfIntent, pk: int) -> TerritoryVariant:
    found = letter.variants.select_related("territory")
    variant = get_object_or_404(found, pk=pk)
    variant.letter = letter
    return variant


def _text(request: PersonRequest, name: str) -> str:
    return request.POST.get(name, "").replace("\0", "")


# --- All of them ----------------------------------------------------------------------------------


@require_safe
def overview(request: PersonRequest, letter: uuid.UUID) -> HttpResponse:
    """The letter's territory and its variants side by side."""
    return _overview(request, _letter(request, letter))


def _overview(request: PersonRequest, letter: LetterOfIntent, refusal: str = "") -> HttpResponse:
    procedure = procedure_of(letter)
    variants = list(letter.variants.all())
    context = {
        "letter": letter,
        "may_simulate": rules.may_simulate(letter, request.user),
        "columns": simulation.compare(letter, territory_of(letter), variants, procedure),
        "typed": _text(request, "nom") if refusal else "",
        "refused": [("nom", "", refusal)] if refusal else [],
        "has_room": len(variants) < simulating.MAX_VARIANTS,
        "most": simulating.MAX_VARIANTS,
    }
    return render(
        request, "letters/territory/simulation.html", context, status=422 if refusal else 200
    )


@require_POST
def create(request: PersonRequest, letter: uuid.UUID) -> HttpResponse:
    """Begin a variant as a copy of the letter's territory."""
    found = _letter(request, letter)
    try:
        with transaction.atomic():
            variant = simulating.create_variant(
                found, territory_of(found), _text(request, "nom"), user=request.user
            )
    except TerritoryError as refused:
        return _overview(request, found, refused.message)
    messages.success(
        request, f"La variante « {variant.name} » part du territoire de la lettre. Essayez."
    )
    return redirect("letters:variant", found.public_id, variant.pk)


# --- One of them ----------------------------------------------------------------------------------


@require_safe
def variant(request: PersonRequest, letter: uuid.UUID, variant: int) -> HttpResponse:
    """What a variant holds, what it changes, and how to draw it."""
    found = _letter(request, letter)
    return _page(request, _variant(found, variant))


def _page(
    request: PersonRequest,
    variant: TerritoryVariant,
    *,
    refusal: tuple[str, str] | None = None,
    typed: Mapping[str, str] | None = None,
) -> HttpResponse:
    """`refusal` is (id of the control, sentence); `typed` is shown again where it was."""
    letter = variant.letter
    search = request.GET.get("q", "").replace("\0", "").strip()[:120]
    departments = shown.departments()
    context = _state(request, variant, request.GET.get("departement", "")) | {
        "search": search,
        "offers": shown.offers(search, variant.territory) if search else [],
        "wholes": shown.intercommunalities(search) if search else [],
        "departments": shown.department_options(departments, (typed or {}).get("departement", "")),
        "map_departments": shown.department_options(departments, on_map=True),
        "may_adopt": rules.may_write(letter, request.user, territory_key(letter)),
        "typed": typed or {},
        "refused": [(refusal[0], "", refusal[1])] if refusal else [],
    }
    return render(
        request, "letters/territory/variant.html", context, status=422 if refusal else 200
    )


def _state(request: PersonRequest, variant: TerritoryVariant, opened: str) -> dict[str, Any]:
    """What changes with each gesture: figures, money, differences, remarks, list."""
    letter, territory = variant.letter, variant.territory
    procedure = procedure_of(letter)
    thresholds, floor = procedure.size_rule.thresholds, procedure.floor
    summary = summarise(territory, size_thresholds=thresholds, floor=floor.inhabitants)
    today = timezone.localdate()
    may_edit = rules.may_simulate(letter, request.user)
    size = summary.size_class
    return {
        "letter": letter,
        "variant": variant,
        "may_edit": may_edit,
        "figures": shown.figures(summary, procedure),
        "is_empty": summary.is_empty,
        "groups": shown.groups(
            shown.read_lines(territory, summary, opened),
            summary,
            may_edit=may_edit,
            standalone=True,
        ),
        "opened": opened,
        "distances": (
            simulation.distance_sentences(summary.population, thresholds, today) if size else []
        ),
        "money": simulation.money(size, today) if size else None,
        "against": simulation.against_letter(letter, territory_of(letter), variant, request.user),
        "checks": check_territory(
            lines_of_territory(territory),
            floor=floor.inhabitants,
            floor_text=floor.text,
            thresholds=thresholds,
        ),
    }


@require_safe
def codes(request: PersonRequest, letter: uuid.UUID, variant: int) -> JsonResponse:
    """What the map fills, as for the territory of the letter."""
    found = _letter(request, letter)
    territory = _variant(found, variant).territory
    rows = territory.parts.order_by("commune_id").values_list(
        "commune_id", "commune__department_id", "part_name"
    )
    counts: dict[str, int] = {}
    for _, department, _ in rows:
        counts[department] = counts.get(department, 0) + 1
    departments = sorted(counts, key=lambda code: (-counts[code], code))
    return JsonResponse(
        {
            "whole": [code for code, _, part in rows if not part],
            "parts": sorted({code for code, _, part in rows if part}),
            "departments": departments,
            "others": known_neighbours(
                request.user, departments=departments, community_id=found.community_id
            ),
        }
    )


# --- Drawing --------------------------------------------------------------------------------------


def _add(territory: Territory, request: PersonRequest) -> str:
    return services.add_communes(territory, [_text(request, "code")]).message


def _add_intercommunality(territory: Territory, request: PersonRequest) -> str:
    return services.add_intercommunality(territory, _text(request, "siren")).message


def _add_department(territory: Territory, request: PersonRequest) -> str:
    if not (code := _text(request, "departement")):
        raise TerritoryError("Choisissez d’abord un département dans la liste.")
    return services.add_department(territory, code).message


def _select(territory: Territory, request: PersonRequest) -> str:
    codes = [code.replace("\0", "") for code in request.POST.getlist("code")]
    return services.add_communes(territory, codes).message


def _deselect(territory: Territory, request: PersonRequest) -> str:
    codes = [code.replace("\0", "") for code in request.POST.getlist("code")]
    return _removed(services.remove_communes(territory, codes))


def _remove(territory: Territory, request: PersonRequest) -> str:
    chosen = [
        int(one)
        for one in request.POST.getlist("part")
        if one.isascii() and one.isdigit() and len(one) < 19
    ]
    if not chosen:
        raise TerritoryError("Rien n’a été retiré : cochez d’abord les communes à retirer.")
    return _removed(services.remove(territory, chosen))


def _removed(count: int) -> str:
    if not count:
        return "C’était déjà retiré de la variante."
    return f"{shown.plural(count, 'ligne est retirée', 'lignes sont retirées')} de la variante."


def _read_list(territory: Territory, request: PersonRequest) -> str:
    """Add what is recognised without doubt, and say what is not."""
    text = _text(request, "liste")
    if not text.strip():
        raise TerritoryError("Collez au moins un nom ou un code de commune.")
    lines = read_pasted_list(text, department_codes=summarise(territory).department_codes)
    doubtful = [line.text for line in lines if line.commune is None]
    wanted = [line.commune.code for line in lines if line.commune is not None]
    rest = ""
    if doubtful:
        listed = ", ".join(f"« {text} »" for text in doubtful[:_SHOWN])
        more = f" et {len(doubtful) - _SHOWN} autres" if len(doubtful) > _SHOWN else ""
        rest = f" À préciser par leur code INSEE : {listed}{more}."
    if not wanted:
        raise TerritoryError(f"Aucune ligne n’est reconnue sans doute.{rest}")
    return f"{services.add_communes(territory, wanted).message}{rest}"


# What the address says: how it is done, and the control a refusal leads to.
_GESTURES: Final[Mapping[str, tuple[Callable[[Territory, PersonRequest], str], str]]] = {
    "ajouter": (_add, "recherche"),
    "intercommunalite": (_add_intercommunality, "recherche"),
    "departement": (_add_department, "departement"),
    "liste": (_read_list, "liste"),
    "selection": (_select, "recherche"),
    "deselection": (_deselect, "recherche"),
    "retirer": (_remove, STATE_ANCHOR),
}


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: PersonRequest, letter: uuid.UUID, variant: int, action: str) -> HttpResponse:
    """One gesture on a variant. Two people may draw at once: each gesture waits its turn."""
    if action not in _GESTURES:
        raise Http404(action)
    found = _letter(request, letter)
    one = _variant(found, variant)
    if request.method != "POST":
        return redirect("letters:variant", found.public_id, one.pk)
    _refuse_readers(request, found)
    perform, control = _GESTURES[action]
    try:
        message = perform(one.territory, request)
    except TerritoryError as refused:
        if request.headers.get("X-Fragment"):
            return _fragment(request, one, refusal=refused.message)
        return _page(request, one, refusal=(control, refused.message), typed=request.POST.dict())
    if request.headers.get("X-Fragment"):
        return _fragment(request, one, message=message)
    messages.success(request, message)
    page = reverse("letters:variant", args=[found.public_id, one.pk])
    return redirect(f"{page}#{STATE_ANCHOR}")


def _refuse_readers(request: PersonRequest, letter: LetterOfIntent) -> None:
    if not rules.may_simulate(letter, request.user):
        raise PermissionDenied(
            "Vous pouvez lire les variantes, pas les changer. Demandez à un responsable de la CPTS "
            "de vous donner le rôle de rédacteur."
        )


def _fragment(
    request: PersonRequest, variant: TerritoryVariant, *, message: str = "", refusal: str = ""
) -> HttpResponse:
    """What has changed alone, for the script that has just changed it."""
    context = _state(request, variant, _text(request, "ouvert")) | {
        "message": message,
        "refusal": refusal,
    }
    response = render(
        request, "letters/territory/_variant_state.html", context, status=422 if refusal else 200
    )
    # Tells the script this answer from a login page or an error page.
    response["X-Fragment"] = "territory"
    return response


# --- Keeping --------------------------------------------------------------------------------------


@require_POST
def rename(request: PersonRequest, letter: uuid.UUID, variant: int) -> HttpResponse:
    one = _variant(_letter(request, letter), variant)
    before = one.name
    try:
        with transaction.atomic():
            simulating.rename_variant(one, _text(request, "nom"), user=request.user)
    except TerritoryError as refused:
        one.name = before
        return _page(request, one, refusal=("nom", refused.message), typed=request.POST.dict())
    messages.success(request, f"La variante s’appelle maintenant « {one.name} ».")
    return redirect("letters:variant", one.letter.public_id, one.pk)


@require_POST
def duplicate(request: PersonRequest, letter: uuid.UUID, variant: int) -> HttpResponse:
    """Another variant that begins as this one, under a name of its own."""
    one = _variant(_letter(request, letter), variant)
    names = {name.lower() for name in one.letter.variants.values_list("name", flat=True)}
    base = one.name[: simulating.MAX_NAME - 12]
    wanted = (f"{base} – copie{f' {rank}' if rank > 1 else ''}" for rank in range(1, 100))
    name = next(name for name in wanted if name.lower() not in names)
    try:
        with transaction.atomic():
            copy = simulating.create_variant(one.letter, one.territory, name, user=request.user)
    except TerritoryError as refused:
        return _overview(request, one.letter, refused.message)
    messages.success(request, f"« {copy.name} » part de « {one.name} ».")
    return redirect("letters:variant", one.letter.public_id, copy.pk)


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: PersonRequest, letter: uuid.UUID, variant: int) -> HttpResponse:
    """Ask, then delete: the letter does not change."""
    one = _variant(_letter(request, letter), variant)
    _refuse_readers(request, one.letter)
    if request.method == "POST":
        simulating.delete_variant(one, user=request.user)
        messages.success(request, f"La variante « {one.name} » est supprimée.")
        return redirect("letters:simulation", one.letter.public_id)
    context = {
        "title": f"Supprimer la variante « {one.name} » ?",
        "text": "Elle disparaît pour toute l’équipe. Le territoire de la lettre ne change pas.",
        "action_label": "Supprimer la variante",
        "cancel_url": reverse("letters:variant", args=[one.letter.public_id, one.pk]),
        "danger": True,
    }
    return render(request, "components/confirm_page.html", context)


# --- Adopting -------------------------------------------------------------------------------------


@require_http_methods(["GET", "HEAD", "POST"])
def adopt(request: PersonRequest, letter: uuid.UUID, variant: int) -> HttpResponse:
    """Show what the letter's territory would become, then write it."""
    one = _variant(_letter(request, letter), variant)
    case = editable_letter(
        request, letter, key=territory_key(one.letter), lock=request.method == "POST"
    )
    one.letter = case
    if request.method != "POST":
        return _confirm(request, one)
    try:
        with transaction.atomic():
            replaced = simulating.adopt_variant(
                one,
                territory_of(case),
                revisions=[_number(request, "revision"), _number(request, "variante")],
                user=request.user,
                key=territory_key(case),
            )
    except TerritoryError as refused:
        one.territory.refresh_from_db()
        return _confirm(request, one, refused.message)
    if replaced.added or replaced.removed:
        messages.success(
            request,
            f"Le territoire de la lettre est maintenant celui de « {one.name} » : "
            f"{shown.plural(replaced.added, 'ligne ajoutée', 'lignes ajoutées')}, "
            f"{shown.plural(replaced.removed, 'ligne retirée', 'lignes retirées')}. "
            "La variante reste dans le simulateur.",
        )
    else:
        messages.success(request, "Le territoire de la lettre était déjà celui de cette variante.")
    return redirect("letters:territory", case.public_id)


def _number(request: PersonRequest, name: str) -> int:
    text = _text(request, name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else -1


def _confirm(request: PersonRequest, variant: TerritoryVariant, refusal: str = "") -> HttpResponse:
    territory = territory_of(variant.letter)
    territory.refresh_from_db()
    context = {
        "letter": variant.letter,
        "variant": variant,
        "against": simulation.against_letter(variant.letter, territory, variant, request.user),
        "revision": territory.revision,
        "declares": territory.declared_population is not None,
        "refused": [("", "", refusal)] if refusal else [],
    }
    return render(request, "letters/territory/adopt.html", context, status=409 if refusal else 200)
