"""Amendments played on contracts in force: one that moves the class, then national rates for all.

The rates are invented, and say so: the national administrator publishes them as they would
publish real ones, and the demonstration alone may play this.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from communities.models import Community
from communities.services import record_community
from contracts import describing
from contracts.amendments import amending, national, signing
from contracts.drafts import drafting
from contracts.funding import balances, engaging, ratebook
from contracts.funding.schedule import anniversary, five_years
from contracts.models import (
    Contract,
    NationalAmendment,
    NationalAmendmentItem,
    RateTable,
    SigningRound,
)
from contracts.terms import ARS, CPAM, CPTS, ContractTerms, MissionTerm, Representative
from cpts_portal.words import NBSP, day, euros, figure
from desks.demo_contracts import Parties
from desks.play import DELIVERY_SECONDS, Play, PlayError
from outbox.services import deliver, pending
from procedures.rates import current_rates
from territories.models import Region
from territories.services import add_communes

# How many other contracts the national amendment finds: more than one piece of its work.
OTHERS: Final = 30
# Eight communes of the Tarn, of 83 080 inhabitants: with the two first, the fourth size.
_JOINING: Final = ("81099", "81105", "81140", "81163", "81060", "81271", "81120", "81257")
_OTHER_NAME: Final = "CPTS aux tarifs simulés"
_SOURCE: Final = "Aucun texte : montants inventés pour la démonstration"
_LAW: Final = "Texte inventé pour la démonstration : aucun journal officiel ne l’a publié"
# No source gives what the fourth size pays for missions: that of the third, raised as the
# operating grant is from one to the other.
_RAISE: Final = Decimal(90) / Decimal(75)
_DAY: Final = timedelta(days=1)
# How many contracts are named for each reason they stand aside.
_NAMED: Final = 3

SignAll = Callable[[SigningRound, Parties], None]


@dataclass(frozen=True)
class AmendmentsPlay:
    """What happens to a contract in force when its territory grows and when rates change."""

    play: Play
    people: Parties
    sign_all: SignAll
    # How many other contracts there are at least.
    others: int = OTHERS

    @property
    def administrator(self) -> User:
        return User.objects.get(email="administration@exemple.test")

    def administer(self, what: str) -> None:
        self.play.say(f"  {self.administrator} (administration nationale) {what}")

    def amend(self, contract: Contract) -> Contract:
        """Simulated rates published, the class moved, the rates brought to every contract."""
        today = timezone.localdate()
        with self.play.scene("Contrat : des tarifs simulés, publiés par l’administrateur national"):
            self.have_others()
            table = self.publish_rates(today, grant=2_000)
        with self.play.scene("Contrat : la CPTS grandit, un avenant change sa taille"):
            self.move_the_class(contract)
        with self.play.scene("Contrats : un avenant national, de plein droit"):
            self.bring_to_all(table)
        with self.play.scene("Contrats : un autre avenant national, à signer par les parties"):
            # From tomorrow: an amendment never takes effect before one that is signed.
            table = self.publish_rates(today + _DAY, grant=1_000)
            self.bring_to_all(table, way=NationalAmendment.Way.TO_SIGN)
            self.sign_the_national_one(contract)
        contract.refresh_from_db()
        return contract

    # --- The other contracts ----------------------------------------------------------

    def have_others(self) -> None:
        known = Community.objects.filter(name__startswith=_OTHER_NAME).count()
        for rank in range(known + 1, self.others + 1):
            self._in_force(f"{_OTHER_NAME}, {rank}", f"presidence.simulee-{rank}@exemple.test")
        self.play.tell(
            None, f"tient {Contract.objects.filter(state='accepted').count()} contrats en vigueur."
        )

    @transaction.atomic
    def _in_force(self, name: str, email: str) -> None:
        """A contract of the third size, signed a year ago at the rates of that day."""
        by, people = self.administrator, self.people
        agency, fund = people.agency.acting, people.fund.acting
        if agency is None or fund is None:
            raise PlayError("L’ARS et la CPAM de la démonstration n’ont personne qui agit.")
        community = record_community(name=name, region=Region.objects.get(code="76"), user=by)
        starts_on = anniversary(timezone.localdate().replace(day=1), -1)
        rates = current_rates()
        missions = {one.key: starts_on for one in rates.missions}
        terms = ContractTerms(
            form=Contract.Form.ACI,
            parties=describing.parties_of(
                community, ars=agency.organisation, cpam=fund.organisation, on=starts_on
            ),
            representatives=(
                Representative(party=CPTS, name="Une présidente", capacity="Présidente",
                               email=email),
                *(
                    Representative(party=party, name=str(who), capacity="Directeur", user=who.pk)
                    for party, who in ((ARS, people.agency), (CPAM, people.fund))
                ),
            ),
            size="T3",
            starts_on=starts_on,
            ends_on=five_years(starts_on),
            missions=tuple(MissionTerm(key=key, starts_on=on) for key, on in missions.items()),
            rates=engaging.named(rates),
        )  # fmt: skip
        engaging.put_in_force(
            community,
            engaging.Signed(
                starts_on=starts_on,
                ends_on=five_years(starts_on),
                signed_on=starts_on,
                size="T3",
                missions=dict(missions),
                population=90_000,
                population_year=2023,
                population_source="Donnée de démonstration",
                terms=terms,
            ),
            by=by,
            ars=agency.organisation,
            cpam=fund.organisation,
        )

    # --- The rates --------------------------------------------------------------------

    @transaction.atomic
    def publish_rates(self, valid_from: date, *, grant: int) -> RateTable:
        """Rates from a day on: the operating grants raised, in euros a year, and amounts for the
        missions of the fourth size.
        """
        by = self.administrator
        published = RateTable.objects.published().filter(key=ratebook.KEY)
        base = published.filter(valid_from__lte=valid_from).order_by("-valid_from").first()
        if base is None:
            raise PlayError(
                "Aucun tarif n’est publié ce jour-là. Lancez d’abord « manage.py load_rates »."
            )
        following = published.filter(valid_from__gt=valid_from).order_by("valid_from").first()
        table = ratebook.prepare_version(base, by=by)
        table.label = f"Tarifs simulés pour la démonstration, n°{NBSP}{table.version}"
        table.source, table.valid_from = _SOURCE, valid_from
        table.valid_until = following.valid_from - _DAY if following else None
        table.save()
        lines = {(one.mission, one.size_class): one for one in table.lines.all()}
        for (mission, size), line in lines.items():
            third = lines.get((mission, "T3"))
            if not mission and line.fixed_share is not None:
                line.fixed_share += grant
            elif size == "T4" and mission and third is not None and line.fixed_share is None:
                for share in ("fixed_share", "variable_share", "crisis_share"):
                    known = getattr(third, share)
                    setattr(line, share, None if known is None else known * _RAISE)
            else:
                continue
            line.source, line.is_confirmed = _SOURCE, True
            line.save()
        try:
            table = ratebook.publish(table)
        except ratebook.RatesRefusedError as refused:
            raise PlayError(" ".join(refused.sentences)) from refused
        self.administer(
            f"publie « {table.label} », à partir du {day(valid_from)} : {euros(Decimal(grant))} de "
            "plus par an pour le fonctionnement, et des montants inventés pour les missions en "
            "taille 4.",
        )
        return table

    # --- The class --------------------------------------------------------------------

    def move_the_class(self, contract: Contract) -> None:
        lead, today = self.people.lead, timezone.localdate()
        before = balances.account_of(contract, on=today).expected
        add_communes(contract.community.territories.get(valid_to=None).territory, _JOINING)
        self.play.tell(lead, f"ajoute {len(_JOINING)} communes au territoire de la CPTS.")
        draft = amending.open_amendment(
            contract, sections=["territory", "size", "rates"], effective_on=today, by=lead
        )
        draft = drafting.refresh_rates(drafting.refresh_ground(draft, by=lead), by=lead)
        was, says = contract.size_class, draft.says
        if says.size == was:
            raise PlayError(f"Le territoire agrandi est resté de taille {was[1:]}.")
        self.play.tell(
            lead,
            f"ouvre un avenant : {figure(says.population or 0)} habitants, de la taille {was[1:]} "
            f"à la taille {says.size[1:]}, aux tarifs publiés.",
        )
        foreseen = amending.foresee(draft, on=today)
        if foreseen is None or foreseen.problems:
            raise PlayError(" ".join(foreseen.problems) if foreseen else "Aucun montant ne change.")
        for user in self.people.everyone:
            drafting.mark_agreement(draft, by=user, revision=draft.revision)
        signing.freeze_amendment(draft, by=lead, revision=draft.revision)
        self.play.tell(lead, "fige l’avenant sur lequel les trois sont d’accord.")
        self.play.deliver()
        self.sign_all(signing.rounds_of(draft)[0], self.people)
        self.play.deliver()
        contract.refresh_from_db()
        after = balances.account_of(contract, on=today).expected
        if (contract.size_class, after) != (says.size, foreseen.after):
            raise PlayError("L’avenant signé ne donne pas ce qu’il prévoyait.")
        self.play.tell(
            None,
            f"met l’avenant en vigueur : {euros(before)} prévus deviennent {euros(after)} sur la "
            f"durée du contrat, dont {euros(foreseen.regularisation)} de régularisation.",
        )

    # --- All contracts ----------------------------------------------------------------

    def bring_to_all(
        self, table: RateTable, way: str = NationalAmendment.Way.BY_LAW
    ) -> NationalAmendment:
        by = self.administrator
        amendment = national.prepare(table, legal_basis=_LAW, by=by, way=way)
        self.administer(f"prépare l’avenant national de « {table.label} ».")
        self._follow(amendment)
        for one in national.sums_by_region(amendment):
            self.play.tell(
                None,
                f"prévoit, {one.name} : {one.contracts} contrat(s), de {euros(one.before)} à "
                f"{euros(one.after)} ; {one.exceptions} exception(s).",
            )
        national.start(amendment, by=by)
        self.administer("l’envoie à signer." if amendment.is_to_sign else "l’applique.")
        self._follow(amendment)
        self._say_outcome(amendment)
        return amendment

    def sign_the_national_one(self, contract: Contract) -> None:
        """The parties of the contract played sign theirs; the others are still to be signed."""
        item = contract.national_amendments.select_related("draft", "amendment__table").get(
            outcome=NationalAmendmentItem.Outcome.TO_SIGN
        )
        if item.draft is None:
            raise PlayError("Le contrat joué n’a pas d’avenant national à signer.")
        before = balances.account_of(contract, on=timezone.localdate()).expected
        self.sign_all(signing.rounds_of(item.draft)[0], self.people)
        self.play.deliver()
        after = balances.account_of(contract, on=timezone.localdate()).expected
        counts = national.counts_of(item.amendment)
        self.play.tell(
            None,
            f"met l’avenant en vigueur : {euros(before)} prévus deviennent {euros(after)}. "
            f"{national.progress_of(item.amendment, counts).label}.",
        )

    def _follow(self, amendment: NationalAmendment) -> None:
        """Say how far the work is after each of its pieces, here or in the worker's hands."""
        status = NationalAmendment.Status
        until, said = time.monotonic() + DELIVERY_SECONDS, ""
        while True:
            amendment.refresh_from_db()
            label = national.progress_of(amendment, national.counts_of(amendment)).label
            if label != said and amendment.status != status.READY:
                self.play.say(f"    {label}")
                until, said = time.monotonic() + DELIVERY_SECONDS, label
            if amendment.status not in {status.COUNTING, status.RUNNING}:
                break
            if time.monotonic() > until:
                raise PlayError(
                    "L’avenant national n’avance plus : l’agent du portail tourne-t-il ?"
                )
            if not sum(deliver(pk) for pk in pending()[0]):
                time.sleep(0.2)
        self.play.deliver()

    def _say_outcome(self, amendment: NationalAmendment) -> None:
        counts = national.counts_of(amendment)
        if amendment.is_to_sign:
            sent = counts["to_sign"]
            self.play.tell(None, f"a ouvert, figé et envoyé {sent} avenant(s) à signer.")
        else:
            self.play.tell(None, f"a modifié {counts['applied']} contrat(s).")
        held: dict[str, list[str]] = {}
        for _reference, title, _region, reason, _detail in national.exported_exceptions(amendment):
            held.setdefault(reason, []).append(f"« {title} »")
        for reason, titles in held.items():
            more = f" et {len(titles) - _NAMED} autre(s)" if len(titles) > _NAMED else ""
            named = ", ".join(titles[:_NAMED])
            self.play.tell(None, f"laisse {named}{more} : {reason.lower()}.")
