"""What each row of a file of existing CPTS would do: nothing is written but the rows themselves."""

from collections.abc import Sequence
from typing import Final

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.models import User
from contracts import rules
from contracts.existing.checks.acquaintances import Acquaintances
from contracts.existing.checks.dates import Dates
from contracts.existing.checks.entries import Entries
from contracts.existing.checks.listed import Listed
from contracts.existing.checks.money import Money
from contracts.existing.checks.parties import Parties
from contracts.existing.checks.places import Places
from contracts.existing.columns import (
    NEEDED,
    TERRITORY_COLUMNS,
    TERRITORY_HEADINGS,
    columns,
    headings,
)
from contracts.models import ExistingImport, ExistingRow
from cpts_portal.mojibake import Mender
from cpts_portal.spreadsheets import plain, read_list

MOST_ROWS: Final = 2_000
MOST_TERRITORY_ROWS: Final = 60_000


@transaction.atomic
def read_file(
    *, name: str, content: bytes, by: User, territories: tuple[str, bytes] | None = None
) -> ExistingImport:
    """Read a file, keep aside what each row says and would do; `territories` is a second file.

    Raises PermissionDenied, or TableFileError when nothing of a file can be used.
    """
    region = rules.region_imported_by(by)
    if region is None:
        raise PermissionDenied
    mender = Mender()
    labels = columns()
    found, ignored = read_list(
        name,
        content,
        headings=headings(),
        labels=labels,
        needed=NEEDED,
        max_rows=MOST_ROWS,
        mend=mender,
    )
    rows = [ExistingRow(number=number, cells=given) for number, given in found]
    _check(Listed(rows, region, _read_territories(territories, mender), mender, labels))
    made = ExistingImport.objects.create(
        region_id=region or None, file_name=name[:150], ignored=ignored, created_by=by
    )
    for row in rows:
        row.source = made
    ExistingRow.objects.bulk_create(rows, batch_size=200)
    return made


def _read_territories(
    given: tuple[str, bytes] | None, mender: Mender
) -> dict[str, list[tuple[int, str]]]:
    """The communes of each CPTS named in the second file, with their lines."""
    if given is None:
        return {}
    rows, _ignored = read_list(
        given[0],
        given[1],
        headings=TERRITORY_HEADINGS,
        labels=TERRITORY_COLUMNS,
        needed=tuple(TERRITORY_COLUMNS),
        max_rows=MOST_TERRITORY_ROWS,
        mend=mender,
    )
    found: dict[str, list[tuple[int, str]]] = {}
    for number, one in rows:
        found.setdefault(plain(one.get("cpts", "")), []).append((number, one.get("commune", "")))
    return found


def _check(file: Listed) -> None:
    """The rows of a file beside what the portal knows, in a constant number of queries."""
    entries, places = Entries(file), Places(file)
    parties, dates, money = Parties(file, places), Dates(file), Money(file)
    for row in file.rows:
        row.notices += file.mender.notices(row.cells.values())
        entries.read_row(row)
    places.resolve()
    for row in file.rows:
        parties.check(row)
        money.check_cpom(row)
        dates.check(row)
        money.check_paid(row)
    known = Acquaintances(file, places)
    known.find_twins()
    known.find_known()
    _conclude(file.rows)


def _conclude(rows: Sequence[ExistingRow]) -> None:
    ready, wrong = ExistingRow.Status.READY, ExistingRow.Status.WRONG
    for row in rows:
        row.status = wrong if row.faults else (row.status or ready)
