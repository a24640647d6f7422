"""The register of signatures: the end of the signed document, and its public copy.

The full one names everyone who signed; the public one has counts, and the names of structures,
which are no personal data.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.utils import timezone

from cpts_portal.words import day_and_hour, hour
from outbox.registry import handles
from signatures.models import Campaign, Invitation, Signature
from workflow.models import CaseDocument
from workflow.official import declare_readers, issue_once, whoever_sees_the_case
from workflow.services import next_reference

REGISTER: Final = "signature_register"
PUBLIC_REGISTER: Final = "signature_register_public"
_LABELS: Final = {
    REGISTER: "Registre des signatures",
    PUBLIC_REGISTER: "Registre des signatures, version publique",
}


@dataclass(frozen=True)
class RegisterLine:
    """One signature, as printed."""

    name: str
    capacity: str
    structure: str
    what: str
    signed: str
    how: str
    on_behalf_of: str
    # The version signed, when it is one before this.
    version: str


@dataclass(frozen=True)
class Register:
    """Who signed a version: table A of professionals, table B of structures, and counts."""

    title: str
    community: str
    number: str
    digest: str
    professionals: tuple[RegisterLine, ...]
    structures: tuple[RegisterLine, ...]
    counts: tuple[tuple[str, int], ...]
    invited: int
    declined: int
    closed: str

    @property
    def signed(self) -> int:
        return len(self.professionals) + len(self.structures)


def signatures_in_force(campaign: Campaign) -> list[Signature]:
    """Those of this version and those kept from the version before, by name: two queries."""
    kept = Invitation.objects.filter(campaign=campaign, state=Invitation.State.KEPT)
    found = Signature.objects.filter(campaign=campaign) | Signature.objects.filter(
        pk__in=kept.values("kept_id")
    )
    return list(
        found.select_related("member", "campaign__snapshot")
        .defer("campaign__snapshot__content")
        .order_by("member__sort_key", "pk")
    )


def register_of(campaign: Campaign) -> Register:
    """What the end of the signed document says. `campaign` has its document and CPTS read."""
    found = signatures_in_force(campaign)
    states = Counter(campaign.invitations.values_list("state", flat=True))
    return Register(
        title=campaign.title,
        community=campaign.community.name,
        number=campaign.document.document.number,
        digest=campaign.document.document.sha256,
        professionals=tuple(_lines(campaign, found, structures=False)),
        structures=tuple(_lines(campaign, found, structures=True)),
        counts=tuple(sorted(Counter(one.what for one in found).items())),
        invited=sum(states.values()) - states[Invitation.State.ENDED],
        declined=states[Invitation.State.DECLINED],
        closed=day_and_hour(campaign.ended_at or timezone.now()),
    )


def _lines(
    campaign: Campaign, found: Iterable[Signature], *, structures: bool
) -> Iterable[RegisterLine]:
    for one in found:
        if one.member.is_structure == structures:
            is_before = one.campaign_id != campaign.pk
            yield RegisterLine(
                name=one.name,
                capacity=one.capacity,
                structure=one.structure,
                what=one.what,
                signed=f"{timezone.localdate(one.signed_at):%d/%m/%Y}, {hour(one.signed_at)}",
                how=str(one.get_method_display()),
                on_behalf_of=one.on_behalf_of,
                version=f"version {one.campaign.snapshot.version}" if is_before else "",
            )


@handles("signatures.issue_register")
def issue_register(*, campaign: int) -> None:
    """Issue both registers of a closed campaign, once each."""
    closed = Campaign.objects.select_related(
        "community", "case", "snapshot", "document__document"
    ).get(pk=campaign)
    if closed.state != Campaign.State.CLOSED:
        return
    for kind, template in (
        (REGISTER, "pdf/signature_register.html"),
        (PUBLIC_REGISTER, "pdf/signature_register_public.html"),
    ):
        _issue(closed, kind, template)


def _issue(campaign: Campaign, kind: str, template: str) -> None:
    if registers_of(campaign).filter(kind=kind).exists():
        return

    def context() -> dict[str, Any]:
        return {
            "register": register_of(campaign),
            "author": settings.PORTAL_NAME,
            "created_at": (campaign.ended_at or timezone.now()).isoformat(),
        }

    issue_once(
        campaign.snapshot,
        kind=kind,
        number=next_reference("RS", campaign.case.region_id),
        title=f"{_LABELS[kind]} – {campaign.title}",
        template=template,
        context=context,
        about=campaign.pk,
    )


def registers_of(campaign: Campaign) -> Any:
    """The registers issued for a campaign."""
    return CaseDocument.objects.filter(
        case_id=campaign.case_id, kind__in=(REGISTER, PUBLIC_REGISTER), about=campaign.pk
    ).select_related("document")


for _kind in (REGISTER, PUBLIC_REGISTER):
    declare_readers(_kind, whoever_sees_the_case)
