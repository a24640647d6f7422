"""The pages of the national amendments: for the national administrator alone."""

from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from contracts import rules
from contracts.amendments import national
from contracts.funding.files import sheet_response
from contracts.models import NationalAmendment, NationalAmendmentItem, RateTable
from cpts_portal.forms import PortalForm
from cpts_portal.paging import read_page
from cpts_portal.transactions import writes_when_posted
from workflow.services import ActionRefusedError

SHOWN: Final = 25
Outcome = NationalAmendmentItem.Outcome
Status = NationalAmendment.Status


class PrepareForm(PortalForm):
    """Which rates, how they come to bind the parties, and the text that carries them."""

    table = forms.ModelChoiceField(
        label="Tarifs publiés",
        queryset=RateTable.objects.none(),
        empty_label="Choisissez",
        help_text="Ils s’appliquent à partir du premier jour de la table.",
    )
    way = forms.ChoiceField(
        label="Comment ils s’appliquent",
        choices=NationalAmendment.Way.choices,
        widget=forms.RadioSelect,
        help_text="De plein droit : le texte dispense les parties de signer. Sinon, le portail "
        "ouvre et fige un avenant par contrat, et appelle ses signataires.",
        error_messages={"required": "Choisissez comment ces tarifs s’appliquent."},
    )
    legal_basis = forms.CharField(
        label="Texte qui porte ces tarifs",
        max_length=300,
        help_text="Sa nature, sa date, sa publication. Les parties le lisent.",
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        table: Any = self.fields["table"]
        live = NationalAmendment.objects.exclude(status=Status.ABANDONED)
        table.queryset = (
            RateTable.objects.published()
            .exclude(pk__in=live.values("table"))
            .order_by("-valid_from")
        )


def _check(request: PersonRequest) -> None:
    if not rules.may_amend_nationally(request.user):
        raise PermissionDenied


def _amendment(request: PersonRequest, pk: int) -> NationalAmendment:
    _check(request)
    found = NationalAmendment.objects.select_related("table", "created_by", "started_by")
    return get_object_or_404(found, pk=pk)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def amendments(request: PersonRequest) -> HttpResponse:
    """The national amendments, and the form that prepares one."""
    _check(request)
    form = PrepareForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = national.prepare(**form.cleaned_data, by=request.user)
        except ActionRefusedError as refused:
            form.add_error(None, refused.message)
        else:
            return redirect("national:amendment", made.pk)
    counted = NationalAmendment.objects.select_related("table").annotate(
        applied=Count("items", filter=Q(items__outcome=Outcome.APPLIED)),
        to_sign=Count("items", filter=Q(items__outcome=Outcome.TO_SIGN)),
        exceptions=Count("items", filter=Q(items__outcome=Outcome.EXCEPTION)),
    )
    # Counting drops the order of the model.
    rows, page = read_page(counted.order_by("-pk"), request.GET.get("page"), SHOWN)
    context = {"form": form, "amendments": rows, "page": page}
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/national_list.html", context, status=status)


@require_safe
@writes_when_posted
def amendment(request: PersonRequest, pk: int) -> HttpResponse:
    """What it changes, region by region; how far it is; the contracts, and the exceptions."""
    found = _amendment(request, pk)
    asked = {name: request.GET.get(name, "")[:15] for name in ("etat", "motif", "region")}
    asked = {name: value.replace("\0", "") for name, value in asked.items()}
    items, page = read_page(
        national.read_items(found, asked["etat"], asked["motif"], asked["region"]),
        request.GET.get("page"),
        SHOWN,
    )
    counts = national.counts_of(found)
    sums = national.sums_by_region(found)
    context = {
        "amendment": found,
        "progress": national.progress_of(found, counts),
        "counts": counts,
        "planned": counts[Outcome.PLANNED],
        "exceptions": counts[Outcome.EXCEPTION],
        "reasons": [
            (value, label, counts[value])
            for value, label in NationalAmendmentItem.Reason.choices
            if counts[value]
        ],
        "sums": sums,
        "items": items,
        "page": page,
        "asked": asked,
        "outcomes": [one for one in Outcome.choices if counts[one[0]] or one[0] == asked["etat"]],
        "is_working": found.status in {Status.COUNTING, Status.RUNNING},
        "shows_signatures": found.is_to_sign and found.status == Status.DONE,
        "may_start": found.status == Status.READY and counts[Outcome.PLANNED] > 0,
        "concerns_nobody": found.status == Status.READY and not counts[Outcome.PLANNED],
        "may_abandon": found.status in {Status.COUNTING, Status.READY},
        "may_retry": found.status == Status.DONE and counts[Outcome.EXCEPTION] > 0,
    }
    return render(request, "contracts/national.html", context)


@require_http_methods(["GET", "POST"])
@writes_when_posted
def start(request: PersonRequest, pk: int) -> HttpResponse:
    """Ask once more, then apply."""
    found = _amendment(request, pk)
    if request.method == "POST":
        begins = "Les avenants s’ouvrent." if found.is_to_sign else "L’application commence."
        return _done(request, found, national.start, begins)
    if found.status != Status.READY:
        return redirect("national:amendment", pk)
    counts = national.counts_of(found)
    title, submit_label = "Appliquer l’avenant national", "Appliquer ces tarifs"
    if found.is_to_sign:
        title, submit_label = "Envoyer les avenants à signer", "Envoyer à signer"
    context = {
        "amendment": found,
        "planned": counts[Outcome.PLANNED],
        "counts": counts,
        "title": title,
        "submit_label": submit_label,
    }
    return render(request, "contracts/national_start.html", context)


@require_POST
def retry(request: PersonRequest, pk: int) -> HttpResponse:
    found = _amendment(request, pk)
    done = "Les exceptions sont examinées de nouveau."
    return _done(request, found, national.try_exceptions_again, done)


@require_POST
def abandon(request: PersonRequest, pk: int) -> HttpResponse:
    found = _amendment(request, pk)
    done = "L’avenant est abandonné : aucun contrat n’a changé."
    return _done(request, found, national.abandon, done)


def _done(request: PersonRequest, found: NationalAmendment, act: Any, done: str) -> HttpResponse:
    try:
        act(found, by=request.user)
    except ActionRefusedError as refused:
        messages.error(request, refused.message)
    else:
        messages.success(request, done)
    return redirect("national:amendment", found.pk)


@require_safe
@writes_when_posted
def one_contract(request: PersonRequest, pk: int, item: int) -> HttpResponse:
    """What the amendment changes, or changed, in one contract."""
    found = _amendment(request, pk)
    one = get_object_or_404(
        found.items.select_related("contract__community", "contract__region", "draft"), pk=item
    )
    one.amendment = found
    changes = national.changes_of(one) if not one.reason else []
    context = {
        "amendment": found,
        "item": one,
        "changes": changes,
        "signing": national.signing_of(one),
    }
    return render(request, "contracts/national_contract.html", context)


@require_safe
@writes_when_posted
def exceptions_file(request: PersonRequest, pk: int, form: str) -> HttpResponse:
    found = _amendment(request, pk)
    return sheet_response(
        form,
        f"exceptions-avenant-national-{found.pk}",
        list(national.EXPORT_HEADINGS),
        national.exported_exceptions(found),
    )
