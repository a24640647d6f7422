"""The notification centre of a person, and the mails they choose to receive."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from notifications import services
from notifications.forms import ChoicesForm
from notifications.kinds import KINDS
from notifications.models import Notification

PER_PAGE = 25


@require_safe
def centre(request: PersonRequest) -> HttpResponse:
    """What the person was told in the role they act in, the newest first; `?voir=` filters."""
    unread_only = request.GET.get("voir") == "non-lues"
    rows = Notification.objects.visible_to(request.user)
    if unread_only:
        rows = rows.unread()
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request, "notifications/list.html", {"page": page, "rows": page, "unread_only": unread_only}
    )


@require_safe
def open_one(request: PersonRequest, pk: int) -> HttpResponse:
    """Go where a notification leads; it is read from then on."""
    row = get_object_or_404(Notification.objects.visible_to(request.user), pk=pk)
    services.mark_read([row.pk], user=request.user)
    return redirect(row.path)


@require_POST
def read(request: PersonRequest) -> HttpResponse:
    """Mark one notification as read, or all of them when none is named."""
    chosen = request.POST.get("notification", "")
    ids = None if not chosen else [int(chosen)] if chosen.isdecimal() and len(chosen) < 19 else []
    count = services.mark_read(ids, user=request.user)
    if count:
        s = "s" if count > 1 else ""
        messages.success(request, f"{count} notification{s} marquée{s} comme lue{s}.")
    else:
        messages.info(request, "Rien n’a changé : il n’y avait plus de notification à lire.")
    only = request.POST.get("voir") == "non-lues"
    return redirect(reverse("notifications:list") + ("?voir=non-lues" if only else ""))


@require_http_methods(["GET", "POST"])
def choices(request: PersonRequest) -> HttpResponse:
    """Which mails the person receives, and when."""
    form = ChoicesForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        services.choose(request.user, form.cadences())
        messages.success(request, "Vos choix sont enregistrés.")
        return redirect("notifications:choices")
    legal = [kind.label for kind in KINDS.values() if kind.legal]
    return render(request, "notifications/choices.html", {"form": form, "legal": legal})
