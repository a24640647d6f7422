"""The letter of intent: a case, and what is its own."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import User
from letters.buffer import Buffer, read_buffer
from letters.content import Missing, missing_before_deposit, read_content, section_of
from letters.workflow import LetterWorkflow
from territories.models import Territory
from workflow import complements
from workflow.complements import blocking_requests, missing_before_closing
from workflow.decisions import missing_before
from workflow.models import Case, CaseQuerySet
from workflow.synthesis import missing_before_handover
from workflow.tacit import is_accepted_by_silence


class LetterOfIntent(LetterWorkflow, Case):
    """A letter of intent. Its answers, attachments, log and documents hang from the case."""

    # The referent's explicit commitment to work on the missions (instruction 2019/218).
    commits_to_missions = models.BooleanField("engagement sur les missions", default=False)
    signatory_name = models.CharField("nom du signataire", max_length=150, blank=True)
    signed_at_place = models.CharField("fait à", max_length=100, blank=True)
    # Where a region also wants paper, the day the lead says the letter was posted.
    posted_on = models.DateField("postée le", null=True, blank=True)

    objects = CaseQuerySet.as_manager()  # type: ignore[misc]
    # What the team prepares in answer to a request, when it is the team that reads the letter.
    buffer: Buffer | None = None

    class Meta:
        verbose_name = "lettre d’intention"
        verbose_name_plural = "lettres d’intention"
        constraints = [
            models.CheckConstraint(
                condition=Q(commits_to_missions=False, signatory_name="", signed_at_place="")
                | (Q(commits_to_missions=True) & ~Q(signatory_name="") & ~Q(signed_at_place="")),
                name="letter_commitment_is_signed",
            ),
        ]

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


class TerritoryVariant(models.Model):
    """A territory the team tries beside the one of its letter. Nobody else ever sees it."""

    letter = models.ForeignKey(
        LetterOfIntent, models.CASCADE, related_name="variants", verbose_name="lettre"
    )
    name = models.CharField("nom", max_length=80)
    territory = models.OneToOneField(
        Territory, models.CASCADE, related_name="variant", verbose_name="territoire"
    )
    created_by = models.ForeignKey(
        User, models.RESTRICT, related_name="+", verbose_name="créée par"
    )
    created_at = models.DateTimeField("créée le", default=timezone.now)

    class Meta:
        verbose_name = "variante du territoire"
        verbose_name_plural = "variantes du territoire"
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                "letter",
                Lower("name"),
                name="territory_variant_name_unique",
                violation_error_message="Une variante de cette lettre porte déjà ce nom.",
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S"), name="territory_variant_has_a_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


def missing_before_answer(letter: LetterOfIntent) -> list[Missing]:
    """What the answer to a request still lacks: an item left, or a wrong value in one of them."""
    letter.buffer = letter.buffer or read_buffer(letter)
    left = complements.missing_before_answer(letter)
    if letter.buffer is None:
        return [Missing(sentence, section="", field=key) for key, sentence in left]
    content = read_content(letter)
    named = {key for key, _sentence in left}
    wrong = [
        one
        for one in missing_before_deposit(content)
        if letter.buffer.unlocks(one.field) and one.field not in named
    ]
    return [
        *(Missing(sentence, section_of(content, key), key) for key, sentence in left),
        *wrong,
    ]
