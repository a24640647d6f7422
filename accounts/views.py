from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from accounts import roles
from accounts.forms import ProfileForm
from accounts.http import PersonRequest
from accounts.models import Membership


def profile(request: PersonRequest) -> HttpResponse:
    """« Mon compte »: who the person is, the roles they hold, and the way into each."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Vos renseignements sont enregistrés.")
        return redirect("accounts:profile")
    memberships = list(
        Membership.objects.filter(user=request.user, is_active=True).select_related(
            "organisation", "department"
        )
    )
    return render(request, "accounts/profile.html", {"form": form, "memberships": memberships})


@require_POST
def switch_role(request: PersonRequest) -> HttpResponse:
    """Act in another of one's own roles, or in one's own name (no membership given)."""
    chosen = request.POST.get("membership", "")
    membership = None
    if chosen:
        own = Membership.objects.filter(user=request.user, is_active=True)
        membership = get_object_or_404(own, pk=chosen if chosen.isdecimal() else None)
    roles.switch(request, membership)
    messages.info(
        request,
        f"Vous agissez maintenant en tant que {membership}."
        if membership
        else "Vous agissez maintenant en votre nom.",
    )
    return redirect("desks:home")
