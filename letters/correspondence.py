"""What goes with a deposited letter: the receipt for its team, the cover of the version to post.

Both are made from the deposited content and from the procedure's own texts, as the letter is.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.conf import settings
from django.utils.dateparse import parse_date

from cpts_portal.words import NBSP, hour
from documents.french import french_spaces, local_datetime, long_date
from procedures.schema import Procedure

# What a height of 24 mm holds, safe in both windows.
WINDOW_LINES: Final = 5


def receipt_context(
    content: Mapping[str, Any], procedure: Procedure, *, case_url: str
) -> dict[str, Any]:
    """Context of `pdf/receipt.html`: the mentions of CRPA R. 112-5 and R. 112-11-1.

    `case_url` is where the letter's team reaches the portal about it.
    """
    deposited_at = local_datetime(content["deposited_at"])
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
                "lines": ["Lettre d’intention"],
            },
            {
                "label": "Reçue le",
                "first": long_date(deposited_at),
                "lines": [f"à {clock(content)}"],
            },
            {
                "label": "Sans réponse, rejetée le",
                "first": silence_day(content),
                "lines": ["si elle est complète"],
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


def cover_context(content: Mapping[str, Any], procedure: Procedure) -> dict[str, Any]:
    """Context of the cover of `pdf/paper.html`, for a procedure that also asks for paper.

    Raises ValueError for a procedure that does not.
    """
    if procedure.paper is None:
        raise ValueError(f"The procedure {procedure.key} asks for no paper.")
    answers = {f["key"]: f["value"] for s in content["sections"] for f in s["fields"]}
    deposited_at = local_datetime(content["deposited_at"])
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
        "subject": f"Lettre d’intention {content['reference']} – {content['title']}",
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
