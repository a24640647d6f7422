"""What the parties are told of an amendment: from ids, after the commit, once."""

from django.urls import reverse

from contracts.amendments.amending import number_of
from contracts.models import Contract, Draft
from contracts.party_mails import tell_parties
from contracts.terms import PARTIES_OF, SECTIONS
from cpts_portal.words import NBSP, day
from outbox.registry import handles


def _tell(draft: Draft, what: str, subject: str, sentence: str) -> None:
    contract = Contract.objects.select_related("community", "office", "ars", "cpam").get(
        pk=draft.contract_id
    )
    tell_parties(
        contract,
        "contract_amended",
        key=f"amendment:{draft.pk}:{what}",
        template="contracts/amendment_news",
        context={"subject": subject, "sentence": sentence},
        path=reverse("amendments:amendment", args=[contract.public_id, draft.pk]),
        parties=PARTIES_OF[contract.form],
    )


def _draft(pk: int) -> Draft:
    return Draft.objects.select_related("based_on", "opened_by", "updated_by").get(pk=pk)


@handles("contracts.amendment_opened")
def tell_opened(*, draft_id: int) -> None:
    draft = _draft(draft_id)
    sections = ", ".join(SECTIONS[one].lower() for one in draft.sections)
    _tell(
        draft,
        "opened",
        "un avenant est ouvert",
        f"{draft.opened_by} a ouvert un avenant sur{NBSP}: {sections}. Chaque partie peut le lire, "
        "le modifier, et marquer son accord.",
    )


@handles("contracts.amendment_signed")
def tell_signed(*, draft_id: int) -> None:
    draft = _draft(draft_id)
    when = day(draft.effective_on) if draft.effective_on else ""
    _tell(
        draft,
        "signed",
        "l’avenant est signé de tous",
        f"L’avenant n°{NBSP}{number_of(draft)} est signé de toutes les parties. Il prend effet le "
        f"{when} ; l’échéancier est à jour.",
    )


@handles("contracts.amendment_dropped")
def tell_dropped(*, draft_id: int) -> None:
    draft = _draft(draft_id)
    last = draft.versions.order_by("-number").first()
    _tell(
        draft,
        "dropped",
        "l’avenant est abandonné",
        f"{draft.updated_by} a abandonné l’avenant{NBSP}: le contrat ne change pas. "
        f"{last.note if last else ''}",
    )
