"""What was answered, for the team and the URPS: counts, map, texts, files."""

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from cpts_portal.spreadsheets import csv_bytes, xlsx_bytes
from cpts_portal.transactions import writes_when_posted
from mobilisation import files, markup, services, words
from mobilisation.drawing import comment_count, drawn_results
from mobilisation.forms import CountsForm, GatheringForm, MethodologyForm
from mobilisation.map import draw_map
from mobilisation.models import Questionnaire
from mobilisation.poster import poster_pdf
from mobilisation.results import comments_of, results_of
from mobilisation.views import Seen, act, address_of, press, seen_by
from procedures.questionnaires import QuestionKind
from workflow.views.documents import pdf_response

TEXTS_PER_PAGE: Final = 50
_form_methods = require_http_methods(["GET", "HEAD", "POST"])
_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def opened_one(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> Seen:
    """A questionnaire that somebody could answer. Raises Http404 for one never opened."""
    seen = seen_by(request, public_id, questionnaire)
    if seen.questionnaire.opened_at is None:
        raise Http404("Ce questionnaire n’a pas encore été ouvert.")
    return seen


@writes_when_posted
@require_safe
def results(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """All the counts, each a table whose bars make it a chart."""
    seen = opened_one(request, public_id, questionnaire)
    one = seen.questionnaire
    context = {
        "seen": seen,
        "questionnaire": one,
        "community": one.community,
        "drawn": drawn_results(one),
        "has_texts": not one.forgotten_at and bool(_text_questions(one)),
    }
    return render(request, "mobilisation/results.html", context)


def _text_questions(one: Questionnaire) -> list[tuple[str, str]]:
    return [(q.key, q.label) for q in one.questions if q.kind == QuestionKind.TEXT]


@writes_when_posted
@cache_control(private=True, max_age=60)
@require_safe
def map_drawing(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """The map, as a picture of its own: the page does not wait for it."""
    seen = opened_one(request, public_id, questionnaire)
    drawn = draw_map(drawn_results(seen.questionnaire).results)
    if not drawn:
        raise Http404("Aucun contour de commune n’est chargé.")
    return HttpResponse(drawn, content_type="image/svg+xml; charset=utf-8")


@writes_when_posted
@require_safe
def comments(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """What people wrote to one question, grouped by profession."""
    seen = opened_one(request, public_id, questionnaire)
    one = seen.questionnaire
    questions = dict(_text_questions(one))
    asked = request.GET.get("question", "")
    key = asked if asked in questions else next(iter(questions), "")
    professions = {option.key: option.label for option in one.model.professions}
    profession = request.GET.get("profession", "")
    chosen = profession if profession in professions else ""
    page = Paginator(range(comment_count(one, key, chosen)), TEXTS_PER_PAGE).get_page(
        request.GET.get("page")
    )
    rows = list(comments_of(one, key, chosen)[max(page.start_index() - 1, 0) : page.end_index()])
    context = {
        "seen": seen,
        "questionnaire": one,
        "community": one.community,
        "questions": markup.choices(questions, key),
        "professions": markup.choices({"": "Toutes"} | professions, profession),
        "asked": questions.get(key, ""),
        "groups": _grouped(rows, professions),
        "page": page,
    }
    return render(request, "mobilisation/comments.html", context)


def _grouped(rows: list[Any], professions: dict[str, str]) -> list[tuple[str, list[Any]]]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(professions.get(row.profession, row.profession), []).append(row)
    return list(groups.items())


@writes_when_posted
@require_safe
def export(request: PersonRequest, public_id: UUID, questionnaire: UUID, form: str) -> HttpResponse:
    """The answers as a file; an URPS receives no name and no address."""
    seen = opened_one(request, public_id, questionnaire)
    one = seen.questionnaire
    people = seen.prepares
    headings = files.headings(one, with_people=people)
    lines = list(files.lines(one, with_people=people))
    match form:
        case "csv":
            content, kind = csv_bytes(headings, lines), "text/csv; charset=utf-8"
        case "xlsx":
            content, kind = xlsx_bytes("Réponses", headings, lines), _XLSX
        case _:
            raise Http404
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="reponses-questionnaire.{form}"'
    return response


@writes_when_posted
@require_safe
def poster(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """The poster to print, once the URPS has agreed."""
    seen = opened_one(request, public_id, questionnaire)
    return pdf_response(
        poster_pdf(seen.questionnaire), name="affiche-questionnaire.pdf", as_attachment=False
    )


# --- What the lead and the URPS know --------------------------------------------------------------


@_form_methods
def counts(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """How many professionals are known, by profession: the ratio and the letter need it."""
    seen = seen_by(request, public_id, questionnaire)
    if not seen.counts:
        raise PermissionDenied
    one = seen.questionnaire
    form = CountsForm(request.POST or None, questionnaire=one)
    if request.method == "POST" and act(
        form, lambda: services.write_counts(one, form.values(), by=request.user)
    ):
        messages.success(request, "Les effectifs sont enregistrés.")
        return redirect(seen.url)
    context = {"seen": seen, "form": form, "community": one.community}
    return render(request, "mobilisation/counts.html", context, status=422 if form.errors else 200)


@_form_methods
def gatherings(request: PersonRequest, public_id: UUID, questionnaire: UUID) -> HttpResponse:
    """The method and the meetings, as the letter will tell them."""
    seen = seen_by(request, public_id, questionnaire)
    if not seen.prepares:
        raise PermissionDenied
    one = seen.questionnaire
    writes_method = request.POST.get("what") == "method"
    posted = request.POST or None
    method = MethodologyForm(
        posted if writes_method else None, initial={"methodology": one.methodology}
    )
    meeting = GatheringForm(
        None if writes_method else posted, initial={"held_on": timezone.localdate()}
    )
    if request.method == "POST":
        done = (
            act(method, lambda: services.write_methodology(
                one, method.cleaned_data["methodology"], by=request.user))
            if writes_method
            else act(meeting, lambda: services.add_gathering(
                one, meeting.cleaned_data, by=request.user))
        )  # fmt: skip
        if done:
            messages.success(request, "C’est enregistré.")
            return redirect(address_of("gatherings", one))
    context = {
        "seen": seen,
        "questionnaire": one,
        "community": one.community,
        "method": method,
        "meeting": meeting,
        "proposed": words.proposed_methodology(one, results_of(one)),
        "gatherings": [(row, words.gathering_line(row)) for row in one.gatherings.all()],
    }
    status = 422 if method.errors or meeting.errors else 200
    return render(request, "mobilisation/gatherings.html", context, status=status)


@require_POST
def remove_gathering(
    request: PersonRequest, public_id: UUID, questionnaire: UUID, pk: int
) -> HttpResponse:
    seen = seen_by(request, public_id, questionnaire)
    one = seen.questionnaire
    press(
        request, seen, lambda: services.remove_gathering(one, pk, by=request.user),
        "La réunion est retirée.",
    )  # fmt: skip
    return redirect(address_of("gatherings", one))
