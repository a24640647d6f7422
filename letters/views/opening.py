"""Opening a letter."""

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.http import PersonRequest
from cpts_portal.transactions import writes_when_posted
from letters import services
from letters.forms import CreateLetterForm
from writing.content import procedure_of


@writes_when_posted
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: PersonRequest) -> HttpResponse:
    """Ask the name and the region, open the letter, and begin with its first step."""
    user = request.user
    if user.acting is not None:
        raise PermissionDenied(
            f"Vous agissez pour {user.acting.organisation}. "
            "Choisissez « Agir en mon nom » en haut de la page, puis commencez votre lettre."
        )
    form = CreateLetterForm(request.POST or None, user=user)
    if request.method == "POST" and form.is_valid():
        letter = services.create_letter(
            name=form.cleaned_data["name"], region=form.cleaned_data["region"], user=user
        )
        first = procedure_of(letter).sections[0]
        return redirect("letters:step", letter.public_id, first.key)
    status = 422 if form.errors else 200
    return render(request, "letters/create.html", {"form": form}, status=status)
