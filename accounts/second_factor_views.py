"""« Deuxième facteur »: set an application up, have new recovery codes, remove it."""

from typing import Final

from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import second_factor
from accounts.forms import SecondFactorCheckForm, SecondFactorForm
from accounts.http import PersonRequest
from accounts.models import SecondFactor
from accounts.second_factor import SecondFactorError

_NONCE: Final = "second_factor_nonce"


def _next(request: PersonRequest) -> str:
    """The page of the portal the person came from, to go back to once it is done."""
    wanted = request.GET.get("suite", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours else reverse("accounts:profile")


@never_cache
@require_http_methods(["GET", "POST"])
def page(request: PersonRequest) -> HttpResponse:
    """Where the second factor stands; the way to one for who has none."""
    factor = SecondFactor.objects.filter(user=request.user).first()
    if factor is not None:
        return render(request, "accounts/second_factor.html", {"factor": factor})
    return _set_up(request)


@reauthentication_required
def _set_up(request: PersonRequest) -> HttpResponse:
    form = SecondFactorForm(request.POST or None)
    setup = second_factor.begin(request.user, request.session.get(_NONCE, ""))
    request.session[_NONCE] = setup.nonce
    if request.method == "POST" and form.is_valid():
        try:
            codes = second_factor.confirm(request.user, setup.nonce, form.cleaned_data["code"])
        except SecondFactorError as error:
            form.add_error("code", error.message)
        else:
            del request.session[_NONCE]
            return _codes_page(request, codes, "Le deuxième facteur est activé.")
    context = {"setup": setup, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "accounts/second_factor_setup.html", context, status=status)


def _codes_page(request: PersonRequest, codes: list[str], done: str) -> HttpResponse:
    """The recovery codes: shown this once, and stored nowhere."""
    context = {"codes": codes, "done": done, "next": _next(request)}
    return render(request, "accounts/second_factor_codes.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def recovery_codes(request: PersonRequest) -> HttpResponse:
    """Ten new recovery codes, against a code."""
    form = SecondFactorCheckForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            codes = second_factor.renew_recovery_codes(request.user, form.cleaned_data["code"])
        except SecondFactorError as error:
            form.add_error("code", error.message)
        else:
            return _codes_page(request, codes, "Vos codes d’avant ne servent plus.")
    return _confirm(
        request,
        form,
        title="Obtenir de nouveaux codes de secours",
        text="Dix nouveaux codes s’afficheront ; ceux d’avant ne serviront plus.",
        label="Afficher dix nouveaux codes",
    )


@never_cache
@require_http_methods(["GET", "POST"])
def remove(request: PersonRequest) -> HttpResponse:
    """Forget the application, against a code: to set another up, say."""
    form = SecondFactorCheckForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            second_factor.remove(request.user, form.cleaned_data["code"])
        except SecondFactorError as error:
            form.add_error("code", error.message)
        else:
            messages.success(request, "Le deuxième facteur est retiré.")
            return redirect("accounts:profile")
    return _confirm(
        request,
        form,
        title="Retirer le deuxième facteur",
        text="Vous ne pourrez plus signer au nom de votre organisme avant d’en activer un autre.",
        label="Retirer le deuxième facteur",
        danger=True,
    )


def _confirm(
    request: PersonRequest,
    form: SecondFactorCheckForm,
    *,
    title: str,
    text: str,
    label: str,
    danger: bool = False,
) -> HttpResponse:
    context = {
        "title": title,
        "text": text,
        "form": form,
        "action_label": label,
        "danger": danger,
        "cancel_url": reverse("accounts:second_factor"),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "components/confirm_page.html", context, status=status)
