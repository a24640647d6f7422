"""Writes the cases in batches."""

import hashlib
import json
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from accounts.models import User
from desks.seeding import indexes
from desks.seeding.cases import add_case, add_desks, add_log
from desks.seeding.invented import Seeded, invent
from desks.seeding.opinions import add_decision, add_opinions
from desks.seeding.regions import Region
from desks.seeding.rows import AUTHOR, Rows
from desks.seeding.words import content_of
from workflow.models import Case, CaseLabel, OfficeLabel, Snapshot
from workflow.search import stored_words, words_of
from workflow.states import CaseState

BATCH: Final = 5_000
_PER_LEAD: Final = 20
_LABELLED: Final = 0.05


class Writer:
    """Invents so many cases of some regions, and writes their rows."""

    def __init__(self, random: Random, regions: list[Region], count: int) -> None:
        self.rows, self.regions, self.count = Rows(random), regions, count
        self.leads = self._make_leads()
        self.labels = self._make_labels()

    def write(self, cursor: Any) -> Iterator[int]:
        """Tells after each batch how many are written."""
        indexes.follow(cursor, enabled=False)
        definitions = indexes.drop_indexes(cursor)
        first = self.rows.numbers[Case]
        pending: list[tuple[int, dict[str, str]]] = []
        for number in range(1, self.count + 1):
            pending.append(self._one(number))
            if number % BATCH == 0 or number == self.count:
                self.rows.copy(cursor)
                indexes.index_words(cursor, pending)
                pending.clear()
                yield number
        indexes.follow(cursor, enabled=True)
        indexes.fill_lists(cursor, after=first)
        for definition in definitions:
            cursor.execute(definition)
        self.rows.keep_counters()

    def _one(self, number: int) -> tuple[int, dict[str, str]]:
        region = self.regions[number % len(self.regions)]
        case = invent(self.rows, number, region, self.leads)
        add_case(self.rows, case, region)
        content = content_of(self.rows.random, case, region, email=AUTHOR)
        self._freeze(case, content)
        add_log(self.rows, case)
        add_desks(self.rows, case, region)
        if case.state != CaseState.DEPOSITED:
            add_opinions(self.rows, case, region)
        if case.state == CaseState.DECISION_PROPOSED:
            add_decision(self.rows, case)
        self._put_labels(case)
        return case.pk, stored_words(words_of(content))

    def _freeze(self, case: Seeded, content: dict[str, Any]) -> None:
        text = json.dumps(content, ensure_ascii=False, sort_keys=True)
        self.rows.add(
            Snapshot,
            case_id=case.pk,
            version=1,
            content=text,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            created_at=case.at,
            created_by_id=case.lead,
        )

    def _put_labels(self, case: Seeded) -> None:
        for label in self.labels.get(case.office, []):
            if self.rows.random.random() < _LABELLED:
                self.rows.add(
                    CaseLabel,
                    label_id=label,
                    case_id=case.pk,
                    put_by_id=self.rows.author.pk,
                    at=case.at,
                )

    def _make_leads(self) -> list[int]:
        """People who own the CPTS: one for a few of them."""
        wanted = max(1, self.count // _PER_LEAD)
        people = [
            User(email=f"porteur-{number}@mesure.exemple.test", password="!",  # noqa: S106 - one that opens nothing
                 first_name="Camille", last_name=f"Mesure {number}")
            for number in range(wanted)
        ]  # fmt: skip
        User.objects.bulk_create(people, batch_size=2_000, ignore_conflicts=True)
        return list(
            User.objects.filter(email__endswith="@mesure.exemple.test")
            .order_by("pk")
            .values_list("pk", flat=True)
        )

    def _make_labels(self) -> dict[int, list[int]]:
        offices = {
            office
            for region in self.regions
            for office in (region.agency, region.desk, *region.branches.values())
            if office is not None
        }
        names = (("À revoir", "ochre"), ("Prioritaire", "pink"), ("Territoire fragile", "blue"))
        OfficeLabel.objects.bulk_create(
            [
                OfficeLabel(
                    organisation_id=office, name=name, colour=colour, created_by=self.rows.author
                )
                for office in sorted(offices)
                for name, colour in names
            ],
            ignore_conflicts=True,
        )
        labels: dict[int, list[int]] = {}
        for office, label in OfficeLabel.objects.filter(organisation__in=offices).values_list(
            "organisation", "pk"
        ):
            labels.setdefault(office, []).append(label)
        return labels
