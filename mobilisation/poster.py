"""The poster: the address of a questionnaire and its QR code, to pin up in a waiting room."""

import segno
from django.utils.safestring import SafeString, mark_safe

from cpts_portal.words import long_date
from documents.rendering import render_pdf
from mobilisation.links import public_link
from mobilisation.models import Questionnaire

_WORDS = "Code à viser avec l’appareil photo d’un téléphone : il ouvre le questionnaire."


def poster_pdf(questionnaire: Questionnaire) -> bytes:
    """One page, tagged, in French. Raises RenderingError."""
    link = public_link(questionnaire)
    return render_pdf(
        "pdf/questionnaire_poster.html",
        {
            "author": questionnaire.community.name,
            "created_at": questionnaire.opened_at.isoformat() if questionnaire.opened_at else "",
            "community": questionnaire.community.name,
            "urps": questionnaire.urps.name,
            "introduction": questionnaire.model.introduction,
            "closes_on": long_date(questionnaire.closes_on),
            "address": link.split("://", 1)[-1],
            "code": _qr(link),
        },
        title=f"Votre avis en deux minutes – {questionnaire.community.name}",
    )


def _qr(text: str) -> SafeString:
    """A drawing of the code. A quarter of it may be hidden by a fold or a stain."""
    drawn = segno.make_qr(text, error="q").svg_inline(
        omitsize=True, svgclass=None, lineclass=None, border=2
    )
    return mark_safe(drawn.replace("<svg", f'<svg aria-label="{_WORDS}"', 1))  # noqa: S308 - ours
