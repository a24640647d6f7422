"""The words of the papers of a project: receipts, certificate of silence, recognition letter.

Each is made from what was frozen, so that printing it again gives the same text.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from django.conf import settings

from cpts_portal.words import NBSP, figure, hour, long_date
from documents.french import french_spaces, local_datetime
from procedures.schema import Procedure
from writing.correspondence import office_contact, office_name

_SIZES: Final = {"T1": "taille 1", "T2": "taille 2", "T3": "taille 3", "T4": "taille 4"}


def _paragraph(heading: str, text: str, *, strong: bool = False) -> dict[str, Any]:
    return {"heading": heading, "text": french_spaces(text), "strong": strong}


def _item(label: str, first: str, *lines: str) -> dict[str, Any]:
    return {"label": label, "first": first, "lines": list(lines)}


def _sheet(title: str, content: Mapping[str, Any], number: str, **rest: Any) -> dict[str, Any]:
    return {
        "issuer": [settings.PORTAL_NAME, settings.PORTAL_OPERATOR],
        "heading": title,
        "name": french_spaces(content["title"]),
        "running": f"{number} · {title}",
        **rest,
    }


def day_of(text: str | date) -> str:
    """« 3 mars 2027 », from a day as a frozen content holds it."""
    return long_date(date.fromisoformat(text) if isinstance(text, str) else text)


def receipt_context(
    content: Mapping[str, Any], procedure: Procedure, *, case_url: str
) -> dict[str, Any]:
    """Context of `pdf/receipt.html`: the mentions of CRPA R. 112-5 and R. 112-11-1."""
    deposited_at = local_datetime(content["deposited_at"])
    silence = day_of(content["silence_date"])
    texts = procedure.receipt.filled(
        {
            "reference": content["reference"],
            "title": content["title"],
            "community": content["title"],
            "deposited_on": long_date(deposited_at),
            "deposited_time": hour(deposited_at),
            "silence_date": silence,
            "office": office_name(content["office"]),
            "office_contact": office_contact(content["office"], case_url=case_url),
        }
    )
    return _sheet(
        texts.title,
        content,
        f"{content['reference']}",
        card=[
            _item("Référence", content["reference"], "Projet de santé"),
            _item("Reçu le", long_date(deposited_at), f"à {hour(deposited_at)}"),
            _item("Sans opposition, validé le", silence, "s’il est complet"),
        ],
        paragraphs=[
            _paragraph("Réception", texts.reception),
            _paragraph("Service chargé du dossier", texts.service),
            _paragraph("Si aucune réponse ne vous parvient", texts.silence, strong=True),
            _paragraph("Si le dossier est incomplet", texts.completeness),
            _paragraph("Délais et voies de recours", texts.remedies),
        ],
        legal_basis=french_spaces(texts.legal_basis),
    )


def completion_receipt_context(content: Mapping[str, Any], *, case_url: str) -> dict[str, Any]:
    """Context of `pdf/receipt.html` for a version that completes another (CRPA, L. 114-5)."""
    completion = content["completion"]
    answered_at = local_datetime(completion["answered_at"])
    given = [one for one in completion["items"] if one["changed"] or one["note"]]
    points = f"{NBSP}; ".join(one["label"] for one in given)
    deadline = completion["silence_date"]
    silence = (
        "Si le dossier est complet, le délai de deux mois repart en entier de cette réception : "
        f"sans opposition de l’agence, le projet est réputé validé après le {day_of(deadline)}. "
        "S’il manquait encore un élément indispensable, il vous serait demandé de nouveau."
        if deadline
        else "Un élément indispensable reste demandé : le délai ne court pas encore."
    )
    return _sheet(
        "Accusé de réception des compléments",
        content,
        content["reference"],
        card=[
            _item("Référence", content["reference"], f"Version {content['version']}"),
            _item("Compléments reçus le", long_date(answered_at), f"à {hour(answered_at)}"),
            _item("Délai de réponse", day_of(deadline) if deadline else "–"),
        ],
        paragraphs=[
            _paragraph(
                "Réception",
                f"Le {long_date(answered_at)} à {hour(answered_at)}, le portail a reçu de "
                f"{completion['account']} la réponse à la demande de compléments n° "
                f"{completion['number']} sur le projet de santé « {content['title']} », référence "
                f"{content['reference']}. Elle fait la version {content['version']} du dossier.",
            ),
            _paragraph("Ce que contient la réponse", f"Points complétés ou expliqués : {points}."),
            _paragraph(
                "Service chargé du dossier",
                f"Votre dossier est examiné par le service suivant : "
                f"{office_name(content['office'])}. "
                f"{office_contact(content['office'], case_url=case_url)}",
            ),
            _paragraph("Le délai de réponse", silence, strong=True),
        ],
        legal_basis=french_spaces(
            "Accusé de réception délivré en application des articles L. 112-11 et L. 114-5 du "
            "code des relations entre le public et l’administration."
        ),
    )


def certificate_context(
    content: Mapping[str, Any], *, number: str, validated_on: date, complete_on: date, months: int
) -> dict[str, Any]:
    """Context of `pdf/receipt.html`: what silence has done, as CRPA L. 232-3 wants it attested.

    `complete_on` is the day the complete file was received: the period ran from it.
    """
    reference = content["reference"]
    deposited_at = local_datetime(content["deposited_at"])
    words = {2: "deux mois"}.get(months, f"{months} mois")
    return _sheet(
        "Attestation de validation par silence",
        content,
        number,
        card=[
            _item("Attestation", number, f"Projet {reference}"),
            _item("Dossier complet le", long_date(complete_on)),
            _item("Réputé validé le", long_date(validated_on)),
        ],
        paragraphs=[
            _paragraph(
                "Ce qui est attesté",
                f"Le projet de santé de la communauté professionnelle territoriale de santé "
                f"« {content['title']} », déposé le {long_date(deposited_at)} sous la référence "
                f"{reference} auprès de {office_name(content['office'])}, est réputé validé depuis "
                f"le {long_date(validated_on)}.",
                strong=True,
            ),
            _paragraph(
                "Pourquoi",
                f"Le dossier complet a été reçu le {long_date(complete_on)}. Le directeur général "
                f"de l’agence régionale de santé avait {words} pour s’y opposer ; il ne l’a pas "
                "fait. Son silence vaut validation (code de la santé publique, article "
                "L. 1434-12).",
            ),
            _paragraph(
                "Ce que vaut ce document",
                "Cette attestation est délivrée en application de l’article L. 232-3 du code des "
                "relations entre le public et l’administration. Elle se présente à qui demande la "
                "preuve de la validation.",
            ),
            _paragraph(
                "Délais et voies de recours",
                "La validation née du silence est une décision. Les personnes qu’elle concerne "
                "peuvent la contester devant le tribunal administratif dans les deux mois de sa "
                "publication. L’administration ne peut la retirer que si elle est illégale, et "
                "dans les quatre mois (article L. 242-1 du même code).",
            ),
        ],
        legal_basis=french_spaces(
            "Le portail établit ce document d’après le registre du délai, que nul ne peut modifier."
        ),
    )


def silence_withdrawal_context(
    content: Mapping[str, Any],
    *,
    number: str,
    certificate: str,
    withdrawn_on: date,
    reasons: str,
    body: str,
    author: str,
    remedies: Mapping[str, Any],
) -> dict[str, Any]:
    """Context of `pdf/receipt.html`: the act that withdraws a validation by silence.

    `reasons` say in what it was illegal and how the CPTS was heard; `author` signs it for `body`,
    whose act it is: not the portal's.
    """
    lines = [line for line in reasons.splitlines() if line.strip()]
    return _sheet(
        "Retrait de la validation par silence",
        content,
        number,
        issuer=[french_spaces(body)],
        card=[
            _item("Décision de retrait", number),
            _item("Dossier", content["reference"]),
            _item("Date", long_date(withdrawn_on)),
        ],
        paragraphs=[
            _paragraph(
                "Ce qui est retiré",
                f"La validation par silence du projet de santé « {content['title']} », attestée "
                f"sous le numéro {certificate}, est retirée. Elle est réputée n’avoir jamais "
                "produit d’effet.",
                strong=True,
            ),
            *(_paragraph("Pourquoi" if not rank else "", line) for rank, line in enumerate(lines)),
            _paragraph(
                "Ce qui suit",
                "L’instruction du dossier est reprise et un nouveau délai commence. L’équipe n’a "
                "pas à le déposer de nouveau.",
            ),
            _paragraph("Délais et voies de recours", remedies["lead"]),
            *(_paragraph("", f"– {item}") for item in remedies["items"]),
            _paragraph("", remedies["after"]),
            _paragraph("Signé", author),
        ],
        legal_basis=french_spaces(
            "Code des relations entre le public et l’administration, articles L. 122-1, L. 211-2 "
            "et L. 242-1."
        ),
    )


def recognition_context(
    content: Mapping[str, Any],
    *,
    number: str,
    validated_on: date,
    act: str,
    signatures: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Context of `pdf/recognition.html`: the letter that recognises the CPTS.

    `act` is the decision, or the certificate of silence, that the recognition comes from;
    `signatures` are those of the decision, none where silence has validated.
    """
    summary = content["summary"]
    office = content["office"]
    agency = office.get("agency") or office
    communes = summary["commune_count"]
    size = _SIZES.get(summary["size_class"], "")
    territory = (
        f"Son territoire compte {figure(communes)} commune{'s' if communes > 1 else ''} et "
        f"{figure(summary['population'])} habitants" + (f" ({size})" if size else "") + ". "
        "Il est celui du projet validé, dont la liste des communes fait partie."
    )
    how = (
        f"Par la décision {act} du {long_date(validated_on)}, son projet de santé a été validé."
        if signatures
        else f"Faute d’opposition dans le délai de la loi, son projet de santé est réputé validé "
        f"depuis le {long_date(validated_on)} (attestation {act})."
    )
    answers = {f["key"]: f["value"] for s in content["sections"] for f in s["fields"]}
    addressee = [content["title"], str(answers.get("contact_name") or "")]
    addressee += str(answers.get("contact_address") or "").splitlines()
    return {
        "issuer": [line for line in (agency["name"], *agency["address"].splitlines()) if line],
        "addressee": [line for line in addressee if line.strip()],
        "number": number,
        "date": long_date(validated_on),
        "title": "Courrier de reconnaissance",
        "project": french_spaces(content["title"]),
        "running": f"{number} · Courrier de reconnaissance",
        "reference": content["reference"],
        "paragraphs": [
            french_spaces(text)
            for text in (
                f"La communauté professionnelle territoriale de santé « {content['title']} » est "
                "reconnue au sens de l’article L. 1434-12 du code de la santé publique. " + how,
                territory,
                (
                    "Cette reconnaissance lui permet de conclure, avec l’agence régionale de santé "
                    "et l’assurance maladie, le contrat prévu par l’accord conventionnel "
                    "interprofessionnel en faveur des communautés professionnelles territoriales "
                    "de santé. Elle n’accorde par elle-même aucun financement."
                ),
                (
                    "Tout changement du projet, de son territoire ou de ses missions prend la "
                    "forme d’un avenant, présenté par la communauté de la même manière."
                ),
            )
        ],
        "signatures": list(signatures),
        "note": french_spaces(
            ""
            if signatures
            else "Établi par le portail au constat du silence gardé par l’agence, d’après le "
            "registre du délai. L’attestation en dit le fondement."
        ),
        "office": office,
    }
