"""A yearly dialogue as its pages show it, read with a constant number of queries."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NamedTuple

from django.db.models import Prefetch

from contracts.dialogue.indicators import Measure, percent
from contracts.funding.wording import mission_name
from contracts.models import (
    DialogueLine,
    DialogueLog,
    DialogueMark,
    DialogueProof,
    LineReview,
    Spending,
    YearlyDialogue,
)
from contracts.terms import PARTY_LABELS
from cpts_portal.composed import Composed, ComposedObjects, Given
from cpts_portal.words import NBSP


class Review(NamedTuple):
    """What a party said of an indicator: there are two of each, and objects are dear."""

    party: str
    position: str
    value: Decimal | None
    reason: str


_POSITIONS: Final = {key: label.lower() for key, label in LineReview.Position.choices}


@dataclass(frozen=True)
class ShownReview:
    party: str
    is_contested: bool
    said: str


@dataclass(frozen=True)
class ShownLine:
    """An indicator in words: where it began, what it aims at, what was said of it."""

    line: DialogueLine
    baseline: str
    target: str
    declared: str
    deltas: list[str]
    reviews: list[ShownReview]
    agreed: str
    # Empty until a value is agreed.
    rate: str
    proofs: list[DialogueProof]
    last: str

    @property
    def label(self) -> str:
        return self.line.label


@dataclass(frozen=True)
class ShownMission:
    key: str
    name: str
    lines: list[ShownLine]


_LINES: Final = ComposedObjects(lambda: DialogueLine.objects.filter(dialogue_id=Given("dialogue")))
_REVIEWS: Final = Composed(
    lambda: LineReview.objects.filter(line__dialogue_id=Given("dialogue")).values_list(
        "line_id", "party", "position", "value", "reason"
    )
)
_PROOFS: Final = ComposedObjects(
    lambda: DialogueProof.objects.filter(line__dialogue_id=Given("dialogue")).select_related(
        "attachment"
    )
)


def read_shown(dialogue: YearlyDialogue) -> tuple[list[DialogueLine], list[ShownLine]]:
    """The lines, and the same in words with their reviews and proofs: three queries."""
    given = dialogue.pk
    reviews: dict[int, list[Review]] = {}
    for line_id, *review in _REVIEWS.rows(dialogue=given):
        reviews.setdefault(line_id, []).append(Review(*review))
    proofs: dict[int, list[DialogueProof]] = {}
    for proof in _PROOFS.objects(dialogue=given):
        proofs.setdefault(proof.line_id, []).append(proof)
    lines: list[DialogueLine] = _LINES.objects(dialogue=given)
    return lines, [_shown(one, reviews.get(one.pk, []), proofs.get(one.pk, [])) for one in lines]


def read_lines(dialogue: YearlyDialogue) -> list[DialogueLine]:
    """The lines with their reviews and proofs, in three queries."""
    proofs = DialogueProof.objects.select_related("attachment")
    return list(dialogue.lines.prefetch_related("reviews", Prefetch("proofs", proofs)))


def shown_line(line: DialogueLine) -> ShownLine:
    """One line, whose reviews and proofs were read with it."""
    reviews = [Review(one.party, one.position, one.value, one.reason) for one in line.reviews.all()]
    return _shown(line, reviews, list(line.proofs.all()))


def _shown(line: DialogueLine, reviews: Sequence[Review], proofs: list[DialogueProof]) -> ShownLine:
    declared, agreed = line.measured(line.value), line.measured(line.agreed_value)
    is_agreed = line.agreed_value is not None or line.set_rate is not None
    return ShownLine(
        line,
        declared.said(line.baseline),
        _target_words(line, declared),
        declared.said(line.value),
        declared.deltas,
        [_review(line, one) for one in reviews],
        agreed.said(line.agreed_value),
        percent(agreed.rate if line.set_rate is None else line.set_rate) if is_agreed else "",
        proofs,
        declared.said(line.last),
    )


def target_words(line: DialogueLine) -> str:
    """What the year was to reach, in words."""
    return _target_words(line, line.measured(None))


def _target_words(line: DialogueLine, measure: Measure) -> str:
    if line.kind == "yes_no":
        return "fait, avec sa preuve"
    better = "au plus" if line.lower_is_better else "au moins"
    if line.steps:
        return " ; ".join(
            f"{better} {measure.said(Decimal(one))}{NBSP}: {percent(Decimal(rate))}"
            for one, rate in line.steps
        )
    return f"{better} {measure.said(line.target)}" if line.target is not None else "sans cible"


def _review(line: DialogueLine, one: Review) -> ShownReview:
    contested = one.position == LineReview.Position.CONTESTED
    said = _POSITIONS[one.position]
    if one.value is not None:
        said += f", plutôt {line.measured(None).said(one.value)}"
    if one.reason:
        said += f"{NBSP}: {one.reason}"
    return ShownReview(PARTY_LABELS[one.party], contested, said)


def by_mission(lines: Sequence[ShownLine]) -> list[ShownMission]:
    """The lines under their missions, in the order of the contract."""
    found: dict[str, list[ShownLine]] = {}
    for one in lines:
        found.setdefault(one.line.mission, []).append(one)
    return [ShownMission(key, mission_name(key), rows) for key, rows in found.items()]


@dataclass(frozen=True)
class ShownSpending:
    label: str
    amount: Decimal
    last: Decimal | None

    @property
    def change(self) -> Decimal | None:
        """What it grew by since last year."""
        return None if self.last is None else self.amount - self.last


_SPENDINGS: Final = ComposedObjects(lambda: Spending.objects.filter(dialogue_id=Given("dialogue")))
_LAST_SPENT: Final = Composed(
    lambda: Spending.objects.filter(
        dialogue__contract_id=Given("contract"), dialogue__year=Given("year")
    ).values_list("nature", "amount")
)
_MARKS: Final = ComposedObjects(lambda: DialogueMark.objects.filter(dialogue_id=Given("dialogue")))
_LOGS: Final = ComposedObjects(
    lambda: DialogueLog.objects.filter(dialogue_id=Given("dialogue")).select_related("actor")
)


def spendings_of(dialogue: YearlyDialogue) -> list[Spending]:
    return _SPENDINGS.objects(dialogue=dialogue.pk)


def marks_of(dialogue: YearlyDialogue) -> list[DialogueMark]:
    return _MARKS.objects(dialogue=dialogue.pk)


def logs_of(dialogue: YearlyDialogue) -> list[DialogueLog]:
    """What was done, and by whom, the first move first."""
    return _LOGS.objects(dialogue=dialogue.pk)


def last_spending(dialogue: YearlyDialogue) -> dict[str, Decimal]:
    """What was spent the year before, by nature."""
    return dict(_LAST_SPENT.rows(contract=dialogue.contract_id, year=dialogue.year - 1))


def spending_rows(
    spendings: Iterable[Spending], last: dict[str, Decimal]
) -> tuple[list[ShownSpending], Decimal]:
    """Each nature of expense beside last year's, and their total."""
    rows = [
        ShownSpending(one.get_nature_display(), one.amount, last.get(one.nature))
        for one in spendings
    ]
    return rows, sum((one.amount for one in rows), Decimal(0))
