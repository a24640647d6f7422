"""What every case written from a form keeps, and what it still lacks. No table of its own."""

from typing import Any

from django.db import models
from django.db.models import Q

from workflow import complement_answers
from workflow.complements import blocking_requests, missing_before_closing
from workflow.decision_missing import missing_before
from workflow.models import Case, CaseQuerySet
from workflow.synthesis import missing_before_handover
from workflow.tacit import is_accepted_by_silence
from writing.buffer import Buffer, read_buffer
from writing.content import Missing, missing_before_deposit, read_content, section_of
from writing.kinds import Words, written_of


class WrittenCase(Case):
    """A case its team writes step by step, deposits and completes."""

    signatory_name = models.CharField("nom du signataire", max_length=150, blank=True)
    signed_at_place = models.CharField("fait à", max_length=100, blank=True)

    objects = CaseQuerySet.as_manager()  # type: ignore[misc]
    # What the team prepares in answer to a request, when it is the team that reads the case.
    buffer: Buffer | None = None
    # The day the paper version was posted: a column of the kinds of which a region wants paper.
    posted_on: Any = None

    class Meta:
        abstract = True

    @property
    def words(self) -> Words:
        """How sentences name it."""
        return written_of(self).words

    @property
    def names_its_cpts(self) -> bool:
        """Whether a title written in its draft is at once the name of the CPTS."""
        return True

    def missing_for(self, transition: str) -> list[Missing]:
        """What is missing before `transition`, as sentences; those of a deposit name a field."""
        if transition == "deposit":
            return missing_before_deposit(read_content(self))
        if transition in {"transmit", "end_consultation"}:
            sentences = missing_before_handover(self, needs_text=transition == "transmit")
            sentences += blocking_requests(self)
        elif transition == "accept_tacitly":
            accepted = is_accepted_by_silence(self)
            sentences = [] if accepted else ["Le délai court encore, ou est suspendu."]
        elif transition == "answer_completion":
            return missing_before_answer(self)
        elif transition == "close":
            sentences = missing_before_closing(self)
        else:
            sentences = missing_before(self, transition)
        return [Missing(sentence, section="", field="") for sentence in sentences]


def written_commitment(commitment: str, *, name: str) -> models.CheckConstraint:
    """The constraint of each written kind, under a name of its own: who commits has signed.

    `commitment` is the column of the kind that says they do.
    """
    return models.CheckConstraint(
        condition=Q((commitment, False), signatory_name="", signed_at_place="")
        | (Q((commitment, True)) & ~Q(signatory_name="") & ~Q(signed_at_place="")),
        name=name,
    )


def missing_before_answer(case: WrittenCase) -> list[Missing]:
    """What the answer to a request still lacks: an item left, or a wrong value in one of them."""
    case.buffer = case.buffer or read_buffer(case)
    left = complement_answers.missing_before_answer(case)
    if case.buffer is None:
        return [Missing(sentence, section="", field=key) for key, sentence in left]
    content = read_content(case)
    named = {key for key, _sentence in left}
    wrong = [
        one
        for one in missing_before_deposit(content)
        if case.buffer.unlocks(one.field) and one.field not in named
    ]
    return [
        *(Missing(sentence, section_of(content, key), key) for key, sentence in left),
        *wrong,
    ]
