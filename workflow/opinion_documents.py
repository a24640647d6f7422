"""The PDF of each opinion given and of the synthesis that left: from frozen content, once each.

They are read by exactly those who may read the opinion, or the synthesis.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.db.models import Q
from django.utils.dateparse import parse_date

from accounts.models import User
from cpts_portal.words import hour, long_date
from documents.french import french_spaces, local_datetime, to_paragraphs
from outbox.registry import handles
from workflow.models import Opinion, Snapshot, Synthesis
from workflow.official import declare_readers, issue_once

OPINION: Final = "opinion"
SYNTHESIS: Final = "synthesis"
# A row with more text than this may be cut between two pages; a shorter one stays whole.
ROW_KEPT_WHOLE: Final = 600


def _readers_of_opinions(user: User) -> Q:
    return Q(about__in=Opinion.objects.visible_to(user).values("pk"))


def _readers_of_syntheses(user: User) -> Q:
    return Q(case__in=Synthesis.objects.visible_to(user).values("case"))


declare_readers(OPINION, _readers_of_opinions)
declare_readers(SYNTHESIS, _readers_of_syntheses)


@handles("workflow.opinion_given")
def issue_opinion(*, opinion_id: int) -> None:
    """Issue the document of an opinion that is given. Running it again renders nothing."""
    opinion = Opinion.objects.select_related("consultation").get(pk=opinion_id)
    content = _frozen(opinion.content)
    snapshot = Snapshot.objects.get(case=opinion.consultation.case_id, version=opinion.version_read)
    issue_once(
        snapshot,
        kind=OPINION,
        about=opinion.pk,
        number=f"{content['case']['reference']}-AVIS-{content['rank']:02d}",
        title=f"Avis – {content['body']} – {content['case']['title']}",
        template="pdf/opinion.html",
        context=lambda: {
            "opinion": opinion_context(content),
            "created_at": content["given_at"],
        },
    )


@handles("workflow.synthesis_transmitted")
def issue_synthesis(*, synthesis_id: int) -> None:
    """Issue the document of a synthesis that has left. Running it again renders nothing."""
    synthesis = Synthesis.objects.get(pk=synthesis_id)
    content = _frozen(synthesis.content)
    case = content["case"]
    snapshot = Snapshot.objects.get(case=synthesis.case_id, version=case["version"])
    issue_once(
        snapshot,
        kind=SYNTHESIS,
        number=f"{case['reference']}-SYNTHESE",
        title=f"Synthèse des avis – {case['title']}",
        template="pdf/synthesis.html",
        context=lambda: {
            "synthesis": synthesis_context(content),
            "created_at": content["transmitted_at"],
        },
    )


def _frozen(content: dict[str, Any] | None) -> dict[str, Any]:
    """Raises ValueError for an act that was not given: its constraint forbids it."""
    if content is None:
        raise ValueError("Nothing is frozen: there is no act to print.")
    return content


# --- What is printed --------------------------------------------------------------------------


def opinion_context(content: Mapping[str, Any]) -> dict[str, Any]:
    """Context of `pdf/opinion.html`."""
    case, given_at = content["case"], local_datetime(content["given_at"])
    number = f"{case['reference']}-AVIS-{content['rank']:02d}"
    return {
        "issuer": [content["body"]],
        "heading": "Avis",
        "subheading": f"{case['kind']} {case['reference']}",
        "name": french_spaces(case["title"]),
        "running": f"{number} · {content['body']}",
        "card": [
            {"label": "Numéro", "first": "", "lines": [number, _read(content)]},
            {
                "label": "Rendu le",
                "first": "",
                "lines": [long_date(given_at), f"à {hour(given_at)}, sur le portail"],
            },
            {
                "label": "Attendu jusqu’au",
                "first": "",
                "lines": [
                    long_date(_day(content["due_on"])),
                    f"par {content['office']}",
                ],
            },
        ],
        "caveats": ["Avis rendu hors délai : gardé au dossier, non compté."]
        if content["is_late"]
        else [],
        "position": content["position"],
        "paragraphs": to_paragraphs(content["text"].splitlines()),
        "reserves": [_lines(text) for text in content["reserves"]],
        "marks": _printed_marks(content["marks"]),
        "who": content["given_by"],
        "capacity": _capacity(content["capacity"], content["body"]),
        "when": f"Rendu électroniquement le {long_date(given_at)} à {hour(given_at)}.",
    }


def synthesis_context(content: Mapping[str, Any]) -> dict[str, Any]:
    """Context of `pdf/synthesis.html`."""
    case, left_at = content["case"], local_datetime(content["transmitted_at"])
    lines = content["lines"]
    counted = sum(1 for line in lines if line["is_counted"])
    number = f"{case['reference']}-SYNTHESE"
    return {
        "issuer": [content["office"]],
        "heading": "Synthèse des avis",
        "subheading": f"{case['kind']} {case['reference']}",
        "name": french_spaces(case["title"]),
        "running": f"{number} · Synthèse des avis",
        "card": [
            {"label": "Numéro", "first": "", "lines": [number, f"Version {case['version']}"]},
            {
                "label": "Arrêtée le",
                "first": "",
                "lines": [long_date(left_at), f"à {hour(left_at)}"],
            },
            {"label": "Destinataire", "first": "", "lines": [content["addressee"]]},
        ],
        "summary": f"{counted} avis {'comptés' if counted > 1 else 'compté'} sur {len(lines)}",
        "paragraphs": to_paragraphs(content["text"].splitlines()),
        "table": [
            {
                "body": line["body"],
                "outcome": french_spaces(line["outcome"]),
                "note": _note(line),
                "given_on": long_date(_day(line["given_on"])) if line["given_on"] else "–",
            }
            for line in lines
        ],
        "reserves": [
            {"lines": _lines(one["text"]), "bodies": ", ".join(one["bodies"])}
            for one in content["reserves"]
        ],
        "opinions": [
            {
                "body": line["body"],
                "outcome": line["outcome"],
                "note": _note(line),
                "paragraphs": to_paragraphs(line["text"].splitlines()),
                "reserves": [_lines(text) for text in line["reserves"]],
                "marks": _printed_marks(line["marks"]),
            }
            for line in lines
            if line["given_on"]
        ],
        "who": content["transmitted_by"],
        "capacity": _capacity(content["capacity"], content["office"]),
        "when": f"Arrêtée électroniquement le {long_date(left_at)} à {hour(left_at)}.",
    }


def _capacity(capacity: str, body: str) -> str:
    """« Président, URPS Infirmiers Occitanie »."""
    return french_spaces(f"{capacity[:1].upper()}{capacity[1:]}, {body}".lstrip(", "))


def _read(content: Mapping[str, Any]) -> str:
    return f"Version lue : {content['version_read']}"


def _note(line: Mapping[str, Any]) -> str:
    notes = []
    if line["is_late"]:
        notes.append("hors délai, non compté")
    if line["on_older_version"]:
        notes.append("sur une version antérieure")
    return " ; ".join(notes)


def _lines(text: str) -> list[str]:
    return [french_spaces(line) for line in text.splitlines() if line.strip()]


def _printed_marks(marks: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "criterion": french_spaces(mark["criterion"]),
            "mark": mark["mark"] or "Non noté",
            "paragraphs": to_paragraphs(mark["comment"].splitlines()),
            "is_short": len(mark["comment"]) <= ROW_KEPT_WHOLE,
        }
        for mark in marks
    ]


def _day(value: str | date) -> date:
    """Raises ValueError when the content holds no such day."""
    day = parse_date(value) if isinstance(value, str) else value
    if day is None:
        raise ValueError(f"Not a day: {value!r}")
    return day
