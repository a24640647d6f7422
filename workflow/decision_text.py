"""What a decision says, sentence by sentence: composed once, then frozen, shown and printed.

The text is plain data. The deciders approve its hash; the page and the PDF lay out the same.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import Organisation
from cpts_portal.words import NBSP, day_and_hour, long_date
from documents.french import french_spaces
from procedures.circuit import Decider
from procedures.decisions import DecisionParameters, Outcome, Reason, decision_parameters
from workflow.consultations import circuit_of
from workflow.models import Approval, Case, Decision

_NUMBERS: Final = ("zéro", "un", "deux", "trois", "quatre", "cinq", "six")


@dataclass(frozen=True, kw_only=True)
class DecisionWords:
    """What a kind of case is called in its decisions; each kind declares its own."""

    # « la lettre d’intention », then « déposée », « acceptée », « refusée ».
    subject: str
    accepted: str
    refused: str
    # What an acceptance opens: an article of its own.
    opens: str
    deposited: str = "déposée"
    # « Décision d’acceptation de la lettre d’intention »: after the word « Décision ».
    accept_title: str = "d’acceptation de la lettre d’intention"
    refuse_title: str = "de refus de la lettre d’intention"
    # The outcome as a noun, and as what one chooses to do.
    accept_noun: str = "acceptation"
    refuse_noun: str = "refus"
    accept_label: str = "Accepter"
    refuse_label: str = "Refuser"
    # What the mails say of it, in short, then to the team.
    accept_news: str = "lettre d’intention acceptée"
    refuse_news: str = "lettre d’intention refusée"
    accept_told: str = (
        "La lettre d’intention de « {title} » est acceptée, par une décision du {day}."
    )
    refuse_told: str = (
        "La lettre d’intention de « {title} » est refusée, par une décision du {day}."
    )
    accept_opens: str = "L’étape du projet de santé est ouverte."
    # Article 1 of a refusal, where « est refusée » does not say it; {case} is the file, dated.
    refuse_article: str = ""
    # Texts that every decision of this kind cites.
    law: tuple[str, ...] = ()
    # The grounds of a refusal where the law counts them, as (key, label); none: any reason.
    grounds: Callable[[Case], Sequence[tuple[str, str]]] = lambda _case: ()
    grounds_source: str = ""
    # Where the law gives the refusal to one of those who decide: the others do not sign it.
    refused_by: Decider | None = None


_words: dict[str, DecisionWords] = {}
_mentions: list[Callable[[Case], list[str]]] = []


def declare_words(kind: str, words: DecisionWords) -> None:
    _words[kind] = words


def words_of(kind: str) -> DecisionWords:
    """Raises LookupError for a kind of case that declared none."""
    return _words[kind]


def declare_mention(mention: Callable[[Case], list[str]]) -> None:
    """Add sentences that a decision on a case must bear: an arbitration, an aid granted."""
    if mention not in _mentions:
        _mentions.append(mention)


def compose(case: Case, decision: Decision, deciders: Sequence[Organisation]) -> dict[str, Any]:
    """The whole text of a decision as it stands, in the order it is read."""
    parameters = decision_parameters()
    words = _words[case.kind]
    return {
        "number": decision.number,
        "outcome": decision.outcome,
        "ground": decision.ground,
        "version": case.version,
        "title": _title(decision, words, joint=len(deciders) > 1),
        "project": case.title,
        "reference": case.reference,
        "deciders": [_decider(one) for one in deciders],
        "visas": _visas(case, decision, words, parameters),
        "considerations": _considerations(decision, words, case, parameters),
        "articles": _articles(case, decision, words),
        "remedies": remedies(case, deciders, parameters),
        "office": _contact(case),
    }


def digest(text: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of a text."""
    canonical = json.dumps(
        text, cls=DjangoJSONEncoder, sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def _title(decision: Decision, words: DecisionWords, *, joint: bool) -> str:
    refused = decision.outcome == Outcome.REFUSE
    kind = "Décision conjointe" if joint else "Décision"
    return f"{kind} {words.refuse_title if refused else words.accept_title}"


def _decider(organisation: Organisation) -> dict[str, Any]:
    return {
        "code": organisation.code,
        "name": organisation.name,
        "lines": [line for line in organisation.address.splitlines() if line.strip()],
    }


def _visas(
    case: Case, decision: Decision, words: DecisionWords, parameters: DecisionParameters
) -> list[str]:
    listed = [reason.text for reason in chosen(decision.law_keys, parameters)]
    visas = [*words.law, *(text for text in listed if text not in words.law)]
    visas += _lines(decision.law_text)
    visas.append("Vu le code des relations entre le public et l’administration")
    visas.append(
        f"Vu {words.subject} « {case.title} », {_filed(case, words)}"
        + (f" (version {case.version})" if case.version > 1 else "")
    )
    plan = circuit_of(case).consultations
    visas += [
        f"Vu la consultation prévue par la procédure régionale : {_lowered(line.label)}"
        for line in plan
        if line.is_expected
    ]
    last = len(visas) - 1
    return [
        french_spaces(f"{visa.rstrip(' .;,')}{',' if rank == last else ' ;'}")
        for rank, visa in enumerate(visas)
    ]


def _considerations(
    decision: Decision, words: DecisionWords, case: Case, parameters: DecisionParameters
) -> list[str]:
    listed = [reason.text for reason in chosen(decision.fact_keys, parameters)]
    if ground := ground_label(decision, case, words):
        listed.insert(0, f"Considérant que {_lowered(ground)}")
    listed += _lines(decision.fact_text)
    return [french_spaces(f"{text.rstrip(' ;,.')}.") for text in listed]


def _articles(case: Case, decision: Decision, words: DecisionWords) -> list[dict[str, Any]]:
    refused = decision.outcome == Outcome.REFUSE
    subject = words.subject[:1].upper() + words.subject[1:]
    done = words.refused if refused else words.accepted
    first = f"{subject} « {case.title} », {_filed(case, words)}, est {done}."
    if refused and words.refuse_article:
        first = words.refuse_article.format(case=f"« {case.title} », {_filed(case, words)}")
    articles: list[tuple[str, list[str]]] = [(first, [])]
    if decision.reserves:
        several = len(decision.reserves) > 1
        articles.append(
            (
                f"Cette {words.accept_noun} est assortie "
                + ("des réserves suivantes. Chacune" if several else "de la réserve suivante. Elle")
                + " reste ouverte jusqu’à ce que le service qui suit le dossier constate qu’elle "
                "est levée :",
                list(decision.reserves),
            )
        )
    if mentions := [sentence for mention in _mentions for sentence in mention(case)]:
        articles.append(("Il est en outre tenu compte de ce qui suit :", mentions))
    if not refused:
        articles.append((words.opens, []))
    articles.append(
        (
            (
                "La présente décision est notifiée à l’équipe de la communauté par le portail. Les "
                "organismes consultés sont informés de son sens."
            ),
            [],
        )
    )
    return [
        {
            "heading": f"Article {rank}" if rank > 1 else "Article 1er",
            "text": french_spaces(text),
            "items": [french_spaces(item) for item in items],
        }
        for rank, (text, items) in enumerate(articles, start=1)
    ]


def _filed(case: Case, words: DecisionWords) -> str:
    when = _day(case.deposited_at)
    return f"{words.deposited} le {when} sous la référence {case.reference}"


def ground_label(decision: Decision, case: Case, words: DecisionWords) -> str:
    """The ground of a refusal in words; empty where the law counts none, or none is chosen."""
    if decision.outcome != Outcome.REFUSE:
        return ""
    return next((label for key, label in words.grounds(case) if key == decision.ground), "")


def remedies(
    case: Case, deciders: Sequence[Organisation], parameters: DecisionParameters
) -> dict[str, Any]:
    """How to contest the decision, until when and before whom, in words."""
    months = _number(parameters.remedy_months)
    authors = " et ".join(one.name for one in deciders)
    tribunal = parameters.tribunal(case.region_id)
    lead = (
        f"Cette décision peut être contestée dans un délai de {months} mois à compter de sa "
        "notification, par :"
    )
    items = [
        f"un recours gracieux, adressé à l’auteur de la décision ({authors}) ;",
        f"un recours hiérarchique, adressé au {parameters.minister} ;",
        (
            f"un recours contentieux devant le {tribunal}, par courrier ou par l’application "
            "Télérecours citoyens (www.telerecours.fr)."
        ),
    ]
    after = (
        "Un recours gracieux ou hiérarchique formé dans ce délai interrompt celui du recours "
        f"contentieux : un nouveau délai de {months} mois court à compter du rejet de ce premier "
        "recours, y compris par silence."
    )
    return {
        "months": parameters.remedy_months,
        "tribunal": tribunal,
        "lead": french_spaces(lead),
        "items": [french_spaces(item) for item in items],
        "after": french_spaces(after),
    }


def _contact(case: Case) -> dict[str, str]:
    office = case.office
    if office is None:
        return {"name": "", "email": "", "phone": ""}
    return {"name": office.name, "email": office.email, "phone": office.phone}


def chosen(keys: Sequence[str], parameters: DecisionParameters) -> list[Reason]:
    """The reasons of these keys, in the order of the list; a key it no longer has is left out."""
    return [reason for reason in parameters.reasons if reason.key in keys]


# --- Laid out ------------------------------------------------------------------------------


def letter_context(
    text: dict[str, Any],
    *,
    signatures: Sequence[dict[str, Any]] = (),
    decided_at: str | datetime | None = None,
    digest_of_text: str = "",
) -> dict[str, Any]:
    """What the page and the PDF lay out. Without signatures, a blank for each decider."""
    decided = parse_datetime(decided_at) if isinstance(decided_at, str) else decided_at
    return {
        **text,
        "decides": "décident" if len(text["deciders"]) > 1 else "décide",
        "running": f"{text['number']} · {text['title']}",
        "date": long_date(timezone.localdate(decided)) if decided else "",
        "signatures": list(signatures)
        or [{"organisation": one["name"], "blank": True} for one in text["deciders"]],
        "digest": digest_of_text,
    }


def signature_of(approval: Approval) -> dict[str, Any]:
    """A signature as the decision bears it: first name, name, capacity (CRPA, L. 212-1)."""
    delegation = approval.delegation
    return {
        "organisation": approval.party.organisation.name,
        "name": approval.name,
        "capacity": approval.capacity,
        "delegation": french_spaces(f"Par délégation de signature : {delegation.act}")
        if delegation
        else "",
        "at": f"Signée électroniquement le {day_and_hour(approval.approved_at)}",
    }


# --- Words ----------------------------------------------------------------------------------


def _lines(text: str) -> list[str]:
    """One consideration for each paragraph typed."""
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def _lowered(label: str) -> str:
    return label[:1].lower() + label[1:]


def _day(moment: datetime | None) -> str:
    return long_date(timezone.localdate(moment)) if moment else ""


def _number(number: int) -> str:
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number}{NBSP}"
