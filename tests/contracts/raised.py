"""National rates that go up, published, and the amendment that brings them to contracts."""

from datetime import date
from decimal import Decimal

from accounts.models import User
from contracts.amendments import national
from contracts.funding import ratebook
from contracts.models import NationalAmendment, RateTable
from tests import factories

FROM = date(2026, 1, 1)
LAW = "Avenant conventionnel d’essai, Journal officiel du 1er décembre 2025"


def administrator() -> User:
    return factories.user(is_staff=True, is_superuser=True)


def raised_rates(by: User, valid_from: date = FROM) -> RateTable:
    """The delivered rates with a grant of 80 000 € instead of 75 000 € for the third size."""
    tables = ratebook.load_delivered_rates().tables
    last = tables[-1] if tables else RateTable.objects.published().order_by("-valid_from")[0]
    draft = ratebook.prepare_version(last, by=by)
    draft.label, draft.source, draft.valid_from = "Tarifs relevés", LAW, valid_from
    draft.save()
    draft.lines.filter(size_class="T3", mission="").update(fixed_share=Decimal(80_000))
    return ratebook.publish(draft)


def prepared(by: User | None = None, valid_from: date = FROM) -> NationalAmendment:
    """The amendment of these rates, waiting for the worker to count."""
    by = by or administrator()
    return national.prepare(raised_rates(by, valid_from), legal_basis=LAW, by=by)
