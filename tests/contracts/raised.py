"""National rates that go up, published, and the amendment that brings them to contracts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

from accounts.models import User
from contracts.amendments import national
from contracts.funding import ratebook
from contracts.models import Contract, ContractVersion, NationalAmendment, RateTable
from contracts.terms import ARS, CPAM, CPTS, Representative, to_data
from tests import factories
from tests.contracts import sealing, signed

FROM = date(2026, 1, 1)
LAW = "Avenant conventionnel d’essai, Journal officiel du 1er décembre 2025"


def administrator() -> User:
    return factories.user(is_staff=True, is_superuser=True)


def raised_rates(by: User, valid_from: date = FROM, grant: int = 80_000) -> RateTable:
    """The delivered rates with another grant than 75 000 € for the third size."""
    tables = ratebook.load_delivered_rates().tables
    last = tables[-1] if tables else RateTable.objects.published().order_by("-valid_from")[0]
    draft = ratebook.prepare_version(last, by=by)
    draft.label, draft.source, draft.valid_from = "Tarifs relevés", LAW, valid_from
    draft.save()
    draft.lines.filter(size_class="T3", mission="").update(fixed_share=Decimal(grant))
    return ratebook.publish(draft)


def prepared(
    by: User | None = None, valid_from: date = FROM, way: str = "by_law"
) -> NationalAmendment:
    """The amendment of these rates, waiting for the worker to count."""
    by = by or administrator()
    return national.prepare(raised_rates(by, valid_from), legal_basis=LAW, by=by, way=way)


def with_signers(contracts: Sequence[Contract]) -> None:
    """Have them name who signs: a president without an account, an agent of each body."""
    agents = [signed.agent(signed.ars()), signed.agent(signed.cpam())]
    for agent in agents:
        sealing.equip(agent)
    for version in ContractVersion.objects.filter(contract__in=contracts):
        president = Representative(
            party=CPTS, name="Dominique", capacity="Président", email=f"p{version.pk}@exemple.test"
        )
        others = [
            Representative(party=party, name=str(one), capacity="Directeur", user=one.pk)
            for party, one in zip((ARS, CPAM), agents, strict=True)
        ]
        says = replace(version.says, representatives=(president, *others))
        ContractVersion.objects.filter(pk=version.pk).update(terms=to_data(says))
