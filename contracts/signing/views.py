"""A round as those who have an account see it: who has signed, signing, reminders, paper."""

from typing import Final, cast
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.http import PersonRequest
from accounts.second_factor import has_second_factor
from contracts.models import Contract, RoundPaper, RoundSigner, SigningRound
from contracts.signing import answers, papers, rounds, signers
from contracts.signing.board import party_label, power_in_words, read_board
from contracts.signing.evidence import proofs_of
from contracts.signing.forms import AgentAnswerForm, CheckForm, OrderForm, PaperForm
from contracts.signing.providers import signed_copy
from contracts.signing.telling import link_path
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.transactions import writes_when_posted
from documents.downloads import send_attachment
from documents.services import FileRefusedError, too_large
from documents.uploads import dropped_files
from signatures.codes import WrongCodeError
from signatures.link_pages import seen_of
from signatures.views.access import send_official
from workflow.reading import read_seen
from workflow.services import ActionRefusedError, AlreadyDoneError

_ROUNDS: Final = ComposedObjects(
    lambda: SigningRound.objects.filter(
        contract_id=Given("contract"), public_id=Given("number")
    ).select_related("document__document")
)


def _round(request: PersonRequest, public_id: UUID, number: UUID) -> SigningRound:
    contract = read_seen(Contract, request.user, public_id)
    if contract is None:
        raise Http404
    found: list[SigningRound] = _ROUNDS.objects(contract=contract.pk, number=number)
    if not found:
        raise Http404
    found[0].contract = contract
    return found[0]


def _address(one: SigningRound, name: str = "round", *more: object) -> str:
    return reverse(f"contracts:{name}", args=[one.contract.public_id, one.public_id, *more])


@require_safe
@writes_when_posted
def round_page(request: PersonRequest, public_id: UUID, number: UUID) -> HttpResponse:
    """Who signs, who has, who is awaited; what the person may do; and what was done."""
    one = _round(request, public_id, number)
    context = {"board": read_board(one, request.user), "one": one, "contract": one.contract}
    return render(request, "contracts/round.html", context)


@require_safe
@writes_when_posted
def document(request: PersonRequest, public_id: UUID, number: UUID) -> HttpResponse:
    """The frozen document, as it is signed."""
    return send_official(_round(request, public_id, number).document)


@require_safe
@writes_when_posted
def proof(request: PersonRequest, public_id: UUID, number: UUID) -> HttpResponse:
    """The register of the signatures, once it is issued."""
    found = proofs_of(_round(request, public_id, number)).first()
    if found is None:
        raise Http404
    return send_official(found)


@require_safe
@writes_when_posted
def sealed(request: PersonRequest, public_id: UUID, number: UUID) -> HttpResponse:
    """The document as a provider gave it back, with its seals."""
    found = signed_copy(_round(request, public_id, number))
    if found is None:
        raise Http404
    return send_official(found)


@never_cache
@require_http_methods(["GET", "POST"])
@writes_when_posted
def sign(request: PersonRequest, public_id: UUID, number: UUID) -> HttpResponse:
    """Sign or refuse, for an agent; whoever signs for the CPTS goes to their own link."""
    one = _round(request, public_id, number)
    signer = signers.signer_for(one, request.user)
    if signer is None:
        raise PermissionDenied("Seule la personne désignée signe, dans le rôle qui le lui permet.")
    if not signers.needs_second_factor(signer):
        return redirect(link_path(signer))
    if signer.signatures.exists() or not one.is_open:
        return redirect(_address(one))
    refuses = request.POST.get("answer") == "refuse"
    form = AgentAnswerForm(request.POST or None, refuses=refuses)
    if request.method == "POST" and form.is_valid():
        done = _answered(request, signer, form, refuses=refuses)
        if done is not None:
            return done
    context = {
        "one": one,
        "contract": one.contract,
        "signer": signer,
        "for_whom": signers.for_whom(signer),
        "on_behalf": signers.on_behalf(signer),
        "power": power_in_words(signer),
        "problems": answers.problems_of(signer),
        "is_equipped": has_second_factor(request.user),
        "form": form,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/round_sign.html", context, status=status)


def _answered(
    request: PersonRequest, signer: RoundSigner, form: AgentAnswerForm, *, refuses: bool
) -> HttpResponse | None:
    """Do what the button says; None when it was refused: the form says why."""
    seen, said = seen_of(request), form.cleaned_data
    try:
        if refuses:
            answers.refuse(signer, reason=said["reason"], seen=seen, by=request.user)
            messages.success(
                request, "Votre refus est noté : toutes les parties en sont prévenues."
            )
        else:
            answers.sign(signer, code=said["code"], seen=seen, by=request.user)
            messages.success(request, "Votre signature est enregistrée.")
    except WrongCodeError as error:
        form.add_error("code", error.message)
    except AlreadyDoneError as error:
        messages.info(request, error.message)
    except ActionRefusedError as error:
        form.add_error("reason" if refuses else None, error.message)
    return None if form.errors else redirect(_address(signer.round))


@require_POST
def remind(request: PersonRequest, public_id: UUID, number: UUID) -> HttpResponse:
    """Write again to those who are awaited."""
    one = _round(request, public_id, number)
    try:
        told = rounds.remind(one, by=request.user)
    except ActionRefusedError as error:
        messages.error(request, error.message)
    else:
        names = ", ".join(each.name for each in told)
        messages.success(request, f"Un courriel de rappel part pour {names}.")
    return redirect(_address(one))


@require_http_methods(["GET", "POST"])
@writes_when_posted
def order(request: PersonRequest, public_id: UUID, number: UUID) -> HttpResponse:
    """Choose whether the parties sign one after the other, before anybody has."""
    one = _round(request, public_id, number)
    if signers.party_of(one.contract, request.user) is None:
        raise PermissionDenied("Seule une partie au contrat choisit l’ordre des signatures.")
    form = OrderForm(request.POST or None, signing_round=one)
    if request.method == "POST" and form.is_valid():
        try:
            rounds.set_order(one, form.chosen(), by=request.user)
        except ActionRefusedError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, "L’ordre des signatures est enregistré.")
            return redirect(_address(one))
    context = {
        "title": "Choisir l’ordre des signatures",
        "text": "Quand un ordre est choisi, chaque partie est prévenue à son tour.",
        "form": form,
        "action_label": "Enregistrer",
        "cancel_url": _address(one),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "components/confirm_page.html", context, status=status)


# --- On paper -------------------------------------------------------------------------------------


@require_http_methods(["GET", "POST"])
@writes_when_posted
def paper(request: PersonRequest, public_id: UUID, number: UUID) -> HttpResponse:
    """Send the document signed by hand; another party checks it."""
    one = _round(request, public_id, number)
    if signers.party_of(one.contract, request.user) is None:
        raise PermissionDenied("Seule une partie au contrat envoie un exemplaire signé.")
    form = PaperForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        if dropped := dropped_files(request):
            form.add_error("file", too_large(dropped[0]).message)
        elif form.is_valid():
            said = form.cleaned_data
            try:
                papers.upload_paper(one, said["file"], signed_on=said["signed_on"], by=request.user)
            except FileRefusedError as error:
                form.add_error("file", error.message)
            except ActionRefusedError as error:
                form.add_error(None, error.message)
            else:
                messages.success(
                    request,
                    "L’exemplaire est envoyé : une autre partie est prévenue et va le vérifier.",
                )
                return redirect(_address(one))
    context = {"one": one, "contract": one.contract, "form": form}
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/round_paper.html", context, status=status)


def _paper(one: SigningRound, pk: int) -> RoundPaper:
    return get_object_or_404(
        RoundPaper.objects.select_related("file", "uploaded_by", "checked_by"), round=one, pk=pk
    )


@require_safe
@writes_when_posted
def paper_file(request: PersonRequest, public_id: UUID, number: UUID, pk: int) -> HttpResponse:
    """The scanned document."""
    file = _paper(_round(request, public_id, number), pk).file
    return cast(HttpResponse, send_attachment(request, file))


@require_http_methods(["GET", "POST"])
@writes_when_posted
def check(request: PersonRequest, public_id: UUID, number: UUID, pk: int) -> HttpResponse:
    """Look at a copy another party sent, then accept it or send it back."""
    one = _round(request, public_id, number)
    found = _paper(one, pk)
    if not papers.may_check(found, one, request.user):
        raise PermissionDenied(
            "Une autre partie que celle qui a envoyé l’exemplaire le vérifie : demandez-le-lui."
        )
    form = CheckForm(request.POST or None)
    accepts = request.POST.get("answer") == "accept"
    if request.method == "POST" and form.is_valid():
        try:
            papers.check_paper(
                found, accept=accepts, reason=form.cleaned_data["reason"], by=request.user
            )
        except AlreadyDoneError as error:
            messages.info(request, error.message)
            return redirect(_address(one))
        except ActionRefusedError as error:
            form.add_error(None if accepts else "reason", error.message)
        else:
            messages.success(
                request,
                "L’exemplaire est accepté : le document est signé par toutes les parties."
                if accepts
                else "L’exemplaire est renvoyé, avec votre motif.",
            )
            return redirect(_address(one))
    context = {
        "one": one,
        "contract": one.contract,
        "paper": found,
        "party": party_label(found.party),
        "left": [f"{each.name}, {signers.for_whom(each)}" for each in signers.left_of(one)],
        "form": form,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "contracts/round_check.html", context, status=status)
