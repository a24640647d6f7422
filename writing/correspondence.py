"""What goes with a deposited case: the receipt for its team, the cover of the version to post.

Both are made from the deposited content and from the procedure's own texts, as the case is.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.utils.dateparse import parse_date
from django.utils.text import capfirst

from cpts_portal.words import NBSP, hour, long_date
from documents.french import french_spaces, local_datetime
from procedures.circuit import Silence
from procedures.schema import Procedure
from writing.kinds import written

# What a height of 24 mm holds, safe in both windows.
WINDOW_LINES: Final = 5


def receipt_context(
    content: Mapping[str, Any], procedure: Procedure, *, case_url: str
) -> dict[str, Any]:
    """Context of `pdf/receipt.html`: the mentions of CRPA R. 112-5 and R. 112-11-1.

    `case_url` is where the case's team reaches the portal about it.
    """
    deposited_at = local_datetime(content["deposited_at"])
    words = written(content["kind"]).words
    refuses = procedure.circuit.period.silence == Silence.REFUSAL
    outcome = f"rejeté{words.e}" if refuses else words.accepted
    values = {
        "reference": content["reference"],
        "title": content["title"],
        "community": content["title"],
        "deposited_on": long_date(deposited_at),
        "deposited_time": clock(content),
        "silence_date": silence_day(content),
        "office": office_name(content["office"]),
        "office_contact": office_contact(content["office"], case_url=case_url),
    }
    texts = procedure.receipt.filled(values)
    return {
        "issuer": [settings.PORTAL_NAME, settings.PORTAL_OPERATOR],
        "heading": texts.title,
        "name": french_spaces(content["title"]),
        "running": f"{content['reference']} · {texts.title}",
        "card": [
            {
                "label": "Référence",
                "first": content["reference"],
                "lines": [capfirst(words.label)],
            },
            {
                "label": f"Reçu{words.e} le",
                "first": long_date(deposited_at),
                "lines": [f"à {clock(content)}"],
            },
            {
                "label": f"Sans réponse, {outcome} le",
                "first": silence_day(content),
                "lines": ["si elle est complète" if words.is_feminine else "s’il est complet"],
            },
        ],
        "paragraphs": [
            {"heading": "Réception", "text": french_spaces(texts.reception), "strong": False},
            {
                "heading": "Service chargé du dossier",
                "text": french_spaces(texts.service),
                "strong": False,
            },
            {
                "heading": "Si aucune réponse ne vous parvient",
                "text": french_spaces(texts.silence),
                "strong": True,
            },
            {
                "heading": "Si le dossier est incomplet",
                "text": french_spaces(texts.completeness),
                "strong": False,
            },
            {
                "heading": "Délais et voies de recours",
                "text": french_spaces(texts.remedies),
                "strong": False,
            },
        ],
        "legal_basis": french_spaces(texts.legal_basis),
    }


def completion_receipt_context(content: Mapping[str, Any], *, case_url: str) -> dict[str, Any]:
    """Context of `pdf/receipt.html` for a version that completes another (CRPA, L. 114-5)."""
    completion = content["completion"]
    words = written(content["kind"]).words
    answered_at = local_datetime(completion["answered_at"])
    title = "Accusé de réception des compléments"
    given = [one for one in completion["items"] if one["changed"] or one["note"]]
    left = [one["label"] for one in completion["items"] if one not in given]
    received = (
        f"Le {long_date(answered_at)} à {hour(answered_at)}, le portail a reçu de "
        f"{completion['account']} la réponse à la demande de compléments n° "
        f"{completion['number']} sur {words.the_label} «\u00a0{content['title']}\u00a0», "
        f"référence {content['reference']}. Elle fait la version {content['version']} du dossier."
    )
    answered = "Points complétés ou expliqués\u00a0: " + "\u00a0; ".join(
        one["label"] for one in given
    )
    paragraphs = [
        {"heading": "Réception", "text": french_spaces(received), "strong": False},
        {"heading": "Ce que contient la réponse", "text": f"{answered}.", "strong": False},
    ]
    if left:
        text = "Points facultatifs laissés sans réponse\u00a0: " + "\u00a0; ".join(left) + "."
        paragraphs.append({"heading": "Ce qui reste", "text": text, "strong": False})
    service = (
        "Votre dossier est examiné par le service suivant\u00a0: "
        f"{office_name(content['office'])}. "
        f"{office_contact(content['office'], case_url=case_url)}"
    )
    paragraphs += [
        {"heading": "Service chargé du dossier", "text": french_spaces(service), "strong": False},
        {
            "heading": "Le délai de réponse",
            "text": french_spaces(
                f"Compte tenu du temps laissé pour répondre, ce délai arrive à son terme le "
                f"{silence_day(content)}. L’accusé de réception {words.of_the} dit ce que vaut "
                "le silence à cette date et les recours qui sont ouverts. Si un point restait "
                "insuffisant, il vous serait demandé de nouveau."
            ),
            "strong": True,
        },
    ]
    return {
        "issuer": [settings.PORTAL_NAME, settings.PORTAL_OPERATOR],
        "heading": title,
        "name": french_spaces(content["title"]),
        "running": f"{content['reference']} · {title}",
        "card": [
            {
                "label": "Référence",
                "first": content["reference"],
                "lines": [f"Version {content['version']}"],
            },
            {
                "label": "Compléments reçus le",
                "first": long_date(answered_at),
                "lines": [f"à {hour(answered_at)}"],
            },
            {
                "label": "Délai de réponse",
                "first": silence_day(content),
                "lines": ["au plus tard"],
            },
        ],
        "paragraphs": paragraphs,
        "legal_basis": french_spaces(
            "Accusé de réception délivré en application des articles L. 112-11 et L. 114-5 du "
            "code des relations entre le public et l’administration."
        ),
    }


def cover_context(content: Mapping[str, Any], procedure: Procedure) -> dict[str, Any]:
    """Context of the cover of `pdf/paper.html`, for a procedure that also asks for paper.

    Raises ValueError for a procedure that does not.
    """
    if procedure.paper is None:
        raise ValueError(f"The procedure {procedure.key} asks for no paper.")
    answers = {f["key"]: f["value"] for s in content["sections"] for f in s["fields"]}
    deposited_at = local_datetime(content["deposited_at"])
    words = written(content["kind"]).words
    contact = [
        answers.get(key) or ""
        for key in ("contact_name", "contact_profession", "contact_address", "contact_phone")
    ]
    text = procedure.paper.cover.format_map(
        {
            "reference": content["reference"],
            "deposited_on": long_date(deposited_at),
            "title": content["title"],
            "office": office_name(content["office"]),
        }
    )
    return {
        "sender": [line for text in contact for line in text.split("\n") if line],
        "window": window_lines(content["office"]),
        "place": f"{content['signature']['place']}, le",
        "subject": f"{capfirst(words.label)} {content['reference']} – {content['title']}",
        "text": french_spaces(text),
        "name": content["signature"]["name"],
    }


# --- The office, in words -------------------------------------------------------------------


def office_name(office: Mapping[str, Any]) -> str:
    """« Pôle de proximité Aisne (Agence régionale de santé Hauts-de-France) »."""
    agency = office.get("agency")
    return f"{office['name']} ({agency['name']})" if agency else str(office["name"])


def office_contact(office: Mapping[str, Any], *, case_url: str) -> str:
    """How to reach the office, in one sentence per means.

    An office whose address is not known yet is reached through its agency, else through the
    portal: a receipt always says where to write.
    """
    agency = office.get("agency") or {}
    reachable = office if office["address"] or office["email"] else agency
    said = []
    if reachable.get("address"):
        said.append(f"Adresse{NBSP}: {', '.join(reachable['address'].splitlines())}.")
    if reachable.get("email"):
        said.append(f"Courriel{NBSP}: {reachable['email']}.")
    if phone := office["phone"] or agency.get("phone"):
        said.append(f"Téléphone{NBSP}: {phone}.")
    if not reachable.get("address") and not reachable.get("email"):
        if settings.PORTAL_CONTACT_EMAIL:
            said.append(f"Courriel{NBSP}: {settings.PORTAL_CONTACT_EMAIL}.")
        said.append(f"Page du dossier sur le portail{NBSP}: {case_url}")
    return " ".join(said)


def window_lines(office: Mapping[str, Any]) -> list[str]:
    """The address in the window: agency, service, office, street, town."""
    agency = office.get("agency") or {}
    address = (office["address"] or agency.get("address", "")).splitlines()
    names = [agency.get("name", ""), office["service"], office["name"]]
    lines = [line for line in (*names, *address) if line.strip()]
    if len(lines) > WINDOW_LINES:
        service = " – ".join(part for part in names[1:] if part)
        lines = [line for line in (names[0], service, *address) if line.strip()]
    return lines[:WINDOW_LINES]


def clock(content: Mapping[str, Any]) -> str:
    """« 7 h 04 »."""
    moment = local_datetime(content["deposited_at"])
    return hour(moment)


def silence_day(content: Mapping[str, Any]) -> str:
    """The day silence means a refusal. Raises ValueError when the content holds no such day."""
    value = content["silence_date"]
    day = parse_date(value) if isinstance(value, str) else value
    if day is None:
        raise ValueError(f"Not a day: {value!r}")
    return long_date(day)
