"""A letter is decided: what goes with it, in the words of a letter, and what it opens."""

from typing import Any

from accounts.models import User
from communities.stages import close_stage, open_stage
from letters.models import LetterOfIntent
from letters.services import KIND
from workflow.decision_text import DecisionWords, declare_words
from workflow.effects import records
from workflow.models import Decision, Snapshot, TransitionLog
from writing.deciding import settle

WORDS = DecisionWords(
    subject="la lettre d’intention",
    accepted="acceptée",
    refused="refusée",
    opens="L’équipe peut préparer le projet de santé de la communauté. Cette acceptation ne vaut "
    "pas validation de ce projet, qui fera l’objet d’une décision distincte.",
)
declare_words(KIND, WORDS)


@records(KIND, "accept")
def settle_acceptance(letter: LetterOfIntent, *, log: TransitionLog, actor: User) -> None:
    """Take the decision, then open the health project with what the letter already says."""
    decision = settle(letter, log=log, actor=actor)
    snapshot = Snapshot.objects.get(case_id=letter.pk, version=letter.version)
    open_stage(
        letter.community,
        name=letter.title,
        act="Lettre d’intention acceptée",
        reference=decision.number,
        population=letter.population or 0,
        commune_count=letter.commune_count,
        size_class=letter.size_class,
        carried=carried_data(letter, snapshot),
    )


@records(KIND, "withdraw_decision")
def close_what_it_opened(letter: LetterOfIntent, **_given: Any) -> None:
    """The health project is closed again, if this decision had opened it."""
    last = Decision.objects.filter(case_id=letter.pk).order_by("-rank").first()
    if last is not None:
        last.case = letter
        close_stage(letter.community, reference=last.number)


def carried_data(letter: LetterOfIntent, snapshot: Snapshot) -> dict[str, Any]:
    """What the health project begins with: frozen, and where it comes from."""
    content = snapshot.content
    answers = {
        field["key"]: field["value"]
        for section in content["sections"]
        for field in section["fields"]
        if field["value"] not in (None, "", [], {})
    }
    return {
        "reference": letter.reference,
        "version": snapshot.version,
        "sha256": snapshot.sha256,
        "title": content["title"],
        "territory": content["territory"],
        "summary": content["summary"],
        "contact": {key: value for key, value in answers.items() if key.startswith("contact_")},
    }
