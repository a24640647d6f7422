"""The delegations of signature of an organisation: who may sign, from when to when."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.http import PersonRequest
from accounts.models import Organisation
from workflow import decision_rules as rules
from workflow.decision_forms import DelegationForm
from workflow.delegations import end_delegation, give_delegation, stage_of
from workflow.models import SignatureDelegation
from workflow.services import ActionRefusedError

PAGE_SIZE = 20
# Only these sign decisions.
SIGNING_KINDS = (
    Organisation.Kind.ARS,
    Organisation.Kind.ARS_BRANCH,
    Organisation.Kind.CPAM,
    Organisation.Kind.MSA,
)


@require_http_methods(["GET", "HEAD", "POST"])
def delegations(request: PersonRequest, code: str) -> HttpResponse:
    """The delegations of an organisation, for its people; its signatory or coordinator adds one."""
    body = _seen(request, code)
    manages = rules.may_manage_delegations(body, request.user)
    form = DelegationForm(request.POST or None, organisation=body) if manages else None
    if request.method == "POST":
        if form is None:
            raise PermissionDenied(
                "Seul un signataire ou un coordinateur de l’organisme enregistre ses délégations."
            )
        if form.is_valid():
            data = dict(form.cleaned_data)
            try:
                given = give_delegation(
                    body, by=request.user, holder=data.pop("holder").user, **data
                )
            except ActionRefusedError as refused:
                form.add_error(None, refused.message)
            else:
                messages.success(request, f"La délégation de {given.holder} est enregistrée.")
                return redirect("bodies:delegations", code)
    listed = body.signature_delegations.select_related("holder", "department", "revoked_by")
    page = Paginator(listed, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "organisation": body,
        "form": form,
        "page": page,
        "rows": [(one, *stage_of(one)) for one in page],
        "manages": manages,
    }
    status = 422 if form is not None and form.errors else 200
    return render(request, "workflow/delegations.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: PersonRequest, code: str, pk: int) -> HttpResponse:
    """Ask, then end a delegation: what its holder signed stands."""
    body = _seen(request, code)
    delegation = get_object_or_404(
        SignatureDelegation.objects.select_related("holder", "organisation"),
        pk=pk,
        organisation=body,
    )
    if not rules.may_manage_delegations(body, request.user):
        raise PermissionDenied(
            "Seul un signataire ou un coordinateur de l’organisme retire cette délégation."
        )
    if request.method == "POST":
        end_delegation(delegation, by=request.user)
        messages.success(request, f"La délégation de {delegation.holder} est retirée.")
        return redirect("bodies:delegations", code)
    context = {"delegation": delegation, "organisation": body}
    return render(request, "workflow/delegation_end.html", context)


def _seen(request: PersonRequest, code: str) -> Organisation:
    """The organisation the person acts for, or a branch of it; else a 404."""
    acting = request.user.acting
    bodies = Organisation.objects.filter(kind__in=SIGNING_KINDS)
    if acting is None:
        bodies = bodies.none()
    else:
        mine = acting.organisation_id
        bodies = bodies.filter(Q(pk=mine) | Q(parent=mine))
    return get_object_or_404(bodies, code=code)
