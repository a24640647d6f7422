"""The section of the representatives: who signs for each party, by which act, until when."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from django import forms
from django.db.models import BooleanField, F, Func, Q
from django.utils import timezone

from accounts.models import Membership, User
from contracts import terms as said
from contracts.drafts.forms.base import Group, SectionForm, date_field
from contracts.models import Contract
from contracts.terms import (
    ContractTerms,
    Representative,
)
from cpts_portal.composed import ComposedObjects, Given
from cpts_portal.forms import dress
from cpts_portal.words import NBSP, day
from workflow.models import SignatureDelegation


@dataclass(frozen=True)
class Candidate:
    """Somebody a party may name: who, by which act, until when."""

    user: User
    capacity: str
    delegation: SignatureDelegation | None = None

    @property
    def key(self) -> str:
        return f"{self.user.pk}-{self.delegation.pk if self.delegation else 0}"

    @property
    def label(self) -> str:
        if self.delegation is None:
            return f"{self.user}, signataire de l’organisme"
        one = self.delegation
        return f"{self.user}, par délégation{NBSP}: {one.act}, jusqu’au {day(one.valid_to)} inclus"


def _there() -> Q:
    """At an agency or a fund, or at its branches in some départements: they sign for it."""
    one_of = Func(
        F("organisation__department_id"),
        Func(Given("departments"), function="ANY"),
        template="%(expressions)s",
        arg_joiner=" = ",
        output_field=BooleanField(),
    )
    return Q(organisation_id=Given("body")) | Q(Q(organisation__parent_id=Given("body")), one_of)


_SIGNATORIES: Final = ComposedObjects(
    lambda: (
        Membership.objects.filter(
            _there(), role=Membership.Role.SIGNATORY, is_active=True, user__is_active=True
        )
        .select_related("user")
        .order_by("user__last_name", "pk")
    )
)
_DELEGATIONS: Final = ComposedObjects(
    lambda: (
        SignatureDelegation.objects.filter(_there(), revoked_at=None, valid_to__gte=Given("today"))
        .select_related("holder")
        .order_by("holder__last_name", "pk")
    )
)


def candidates(contract: Contract, party: str) -> list[Candidate]:
    """Who may sign for an agency or a fund: its signatories, and those it gave a delegation."""
    body = contract.ars_id if party == said.ARS else contract.cpam_id
    if body is None:
        return []
    there: dict[str, Any] = {"body": body, "departments": contract.department_codes}
    reached = {None, *contract.department_codes}
    return [
        *(Candidate(one.user, "") for one in _SIGNATORIES.objects(**there)),
        *(
            Candidate(one.holder, one.capacity, one)
            for one in _DELEGATIONS.objects(**there, today=timezone.localdate())
            if one.department_id in reached
        ),
    ]


# The people who sign for a CPTS: its president, and those its statutes name with them.
MOST_SEATS: Final = 10
SEAT: Final = ("name", "email", "capacity", "act", "valid_to")


def _seats_of(typed: Mapping[str, str]) -> int:
    """How many people a page sent, whatever it wrote of them."""
    return sum(f"name_{seat}" in typed for seat in range(1, MOST_SEATS + 1))


def _legend(seat: int) -> str:
    if seat == 1:
        return "Qui signe pour la CPTS"
    return "Une autre personne signe aussi" if seat == 2 else f"Personne {seat}"


class RepresentativesForm(SectionForm):
    """Each party names who signs for it: the CPTS its president, the others their signatories."""

    section = "representatives"

    def __init__(
        self, data: Any = None, *args: Any, more: Mapping[str, str] | None = None, **kwargs: Any
    ) -> None:
        """`more`: what was typed when one more person was asked for; they all come back."""
        draft, party = kwargs["draft"], kwargs["party"]
        self.known = len(draft.says.representatives_of(said.CPTS))
        typed = data if data is not None else more
        shown = max(1, self.known if typed is None else _seats_of(typed))
        self.seats = range(1, min(shown + (more is not None), MOST_SEATS) + 1)
        self.more_label = ""
        if party == said.CPTS and len(self.seats) < MOST_SEATS:
            self.more_label = "Ajouter une personne"
        self.is_as_kept = more is None
        if more is not None:
            kwargs["initial"] = dict(more.items())
        self.choices = [] if party == said.CPTS else candidates(draft.contract, party)
        super().__init__(data, *args, **kwargs)
        added = self._seats() if party == said.CPTS else self._boxes()
        for name, field in added.items():
            self.fields[name] = field
            dress(field)
        if more is not None and party == said.CPTS:
            self.fields[f"name_{self.seats[-1]}"].widget.attrs["autofocus"] = True

    def _seats(self) -> dict[str, forms.Field]:
        found: dict[str, forms.Field] = {}
        for seat in self.seats:
            needed = seat == 1
            if 1 < seat <= self.known:
                found[f"remove_{seat}"] = forms.BooleanField(
                    label="Cette personne ne signe plus", required=False
                )
            found |= {
                f"name_{seat}": forms.CharField(
                    label="Prénom et nom", max_length=200, required=needed
                ),
                f"email_{seat}": forms.EmailField(
                    label="Adresse électronique",
                    required=needed,
                    help_text="Elle reçoit le code qui permet de signer.",
                ),
                f"capacity_{seat}": forms.CharField(
                    label="Qualité",
                    max_length=200,
                    required=needed,
                    help_text=f"Par exemple{NBSP}: présidente de l’association.",
                ),
                f"act_{seat}": forms.CharField(
                    label="Acte qui donne ce pouvoir",
                    max_length=300,
                    required=False,
                    help_text="Statuts, délibération… avec sa date.",
                ),
                f"valid_to_{seat}": date_field("Jusqu’au", required=False),
            }
        return found

    def _boxes(self) -> dict[str, forms.Field]:
        found: dict[str, forms.Field] = {}
        for one in self.choices:
            found[f"sign_{one.key}"] = forms.BooleanField(label=one.label, required=False)
            found[f"capacity_{one.key}"] = forms.CharField(
                label=f"Qualité de {one.user}", max_length=200, required=False
            )
        return found

    def first(self) -> dict[str, Any]:
        mine = self.terms.representatives_of(self.party)
        if self.party != said.CPTS:
            known = {(one.user, one.delegation): one for one in mine}
            found: dict[str, Any] = {}
            for one in self.choices:
                before = known.get((one.user.pk, one.delegation.pk if one.delegation else None))
                found[f"sign_{one.key}"] = before is not None
                found[f"capacity_{one.key}"] = before.capacity if before else one.capacity
            return found
        return {
            f"{name}_{seat}": getattr(one, name)
            for seat, one in zip(self.seats, mine, strict=False)
            for name in SEAT
        }

    def beside(self) -> Hashable:
        return tuple((one.key, one.label, str(one.user)) for one in self.choices)

    def groups(self) -> list[Group]:
        form: Any = self
        if self.party != said.CPTS:
            return [
                Group(str(one.user), (form[f"sign_{one.key}"], form[f"capacity_{one.key}"]))
                for one in self.choices
            ]
        return [
            Group(
                _legend(seat),
                tuple(form[name] for name in self._names(seat) if name in self.fields),
            )
            for seat in self.seats
        ]

    def _names(self, seat: int) -> list[str]:
        return [*(f"{name}_{seat}" for name in SEAT), f"remove_{seat}"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if self.party != said.CPTS:
            for one in self.choices:
                if given.get(f"sign_{one.key}") and not given.get(f"capacity_{one.key}"):
                    self.add_error(
                        f"capacity_{one.key}", f"Dites en quelle qualité signe {one.user}."
                    )
            return given
        for seat in self.seats[1:]:
            self._check_seat(given, seat)
        emails = [given.get(f"email_{seat}", "").lower() for seat in self.seats]
        for seat, email in zip(self.seats, emails, strict=True):
            if email and email in emails[: seat - 1] and not given.get(f"remove_{seat}"):
                self.add_error(
                    f"email_{seat}",
                    "Une autre personne a déjà cette adresse : chaque signataire a la sienne, son "
                    "code y est envoyé.",
                )
        return given

    def _check_seat(self, given: dict[str, Any], seat: int) -> None:
        """Somebody who signs beside the first one is said whole, or not at all."""
        if given.get(f"remove_{seat}"):
            return
        wanted = ("name", "email", "capacity")
        typed = [bool(given.get(f"{name}_{seat}")) for name in SEAT]
        if not any(typed):
            if seat <= self.known:
                self.add_error(
                    f"name_{seat}",
                    "Écrivez son nom ; si cette personne ne signe plus, cochez la case.",
                )
            return
        for name in wanted:
            key = f"{name}_{seat}"
            if not given.get(key) and key not in self.errors:
                label = str(self.fields[key].label).lower()
                self.add_error(key, f"Écrivez{NBSP}: {label}.")

    def asked(self) -> ContractTerms:
        given = self.cleaned_data
        others = [one for one in self.terms.representatives if one.party != self.party]
        mine = self._people(given) if self.party == said.CPTS else self._chosen(given)
        order = list(said.PARTIES_OF[self.terms.form])
        together = sorted([*others, *mine], key=lambda one: order.index(one.party))
        return replace(self.terms, representatives=tuple(together))

    def _people(self, given: dict[str, Any]) -> list[Representative]:
        team = {
            member.user.email.lower(): member.user_id
            for member in self.draft.contract.community.team_members.select_related("user")
        }
        return [
            Representative(
                party=said.CPTS,
                name=" ".join(given[f"name_{seat}"].split()),
                capacity=given[f"capacity_{seat}"],
                email=given[f"email_{seat}"].lower(),
                user=team.get(given[f"email_{seat}"].lower()),
                act=given[f"act_{seat}"],
                valid_to=given[f"valid_to_{seat}"],
            )
            for seat in self.seats
            if given.get(f"name_{seat}") and not given.get(f"remove_{seat}")
        ]

    def _chosen(self, given: dict[str, Any]) -> list[Representative]:
        return [
            Representative(
                party=self.party,
                name=str(one.user),
                capacity=given[f"capacity_{one.key}"],
                user=one.user.pk,
                delegation=one.delegation.pk if one.delegation else None,
                act=one.delegation.act if one.delegation else "",
                valid_from=one.delegation.valid_from if one.delegation else None,
                valid_to=one.delegation.valid_to if one.delegation else None,
            )
            for one in self.choices
            if given[f"sign_{one.key}"]
        ]
