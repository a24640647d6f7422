"""The lines of a yearly dialogue as rows of tables: hundreds of cells, drawn without a template."""

from collections.abc import Sequence
from uuid import UUID

from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from contracts.dialogue.showing import ShownLine
from contracts.models import DialogueProof
from cpts_portal.addresses import address
from cpts_portal.words import NBSP

_NOTHING = SafeString("")
_OF_LIBRARY = SafeString(
    f'<span class="fr-hint-text">Indicateur proposé par le portail{NBSP}: le contrat n’en nomme '
    "pas pour cette mission.</span>"
)


def result_markup(row: ShownLine, contract: UUID, year: int) -> SafeString:
    """What an indicator aims at, what was declared, its differences, its proofs."""
    facts = [("Cible", row.target), ("Départ", row.baseline), ("Déclaré", row.declared)]
    said = format_html_join(
        SafeString("<br>"),
        "<strong>{}" + NBSP + ": </strong>{}",
        ((label, value) for label, value in facts if value),
    )
    deltas = _list("fr-hint-text fr-mb-1v", [conditional_escape(one) for one in row.deltas])
    comment = (
        format_html('<p class="fr-mb-1v">{}</p>', row.line.comment)
        if row.line.comment
        else _NOTHING
    )
    proofs = _list("fr-mb-1v", [_proof(one, contract, year) for one in row.proofs])
    return format_html('<p class="fr-mb-1v">{}</p>{}{}{}', said, deltas, comment, proofs)


def _list(css: str, items: Sequence[SafeString]) -> SafeString:
    if not items:
        return _NOTHING
    inside = format_html_join("", "<li>{}</li>", ((one,) for one in items))
    return format_html('<ul class="{}">{}</ul>', css, inside)


def _proof(one: DialogueProof, contract: UUID, year: int) -> SafeString:
    note = _NOTHING
    if one.confirmed_no_patient:
        note = format_html(
            ' <span class="fr-hint-text">(le portail y a vu {}{}; confirmé sans patient)</span>',
            one.confirmed_no_patient,
            NBSP,
        )
    elif not one.was_read:
        note = SafeString(' <span class="fr-hint-text">(non lu par le portail)</span>')
    url = address("contracts:dialogue-proof", contract, year, one.pk)
    return format_html('<a href="{}">{}</a>{}', url, one.attachment.name, note)


def rows_markup(
    rows: Sequence[ShownLine],
    contract: UUID,
    year: int,
    *,
    links: bool,
    is_declaring: bool,
) -> SafeString:
    """The rows of a mission. `links`: each leads to its page, where it is declared."""
    return format_html_join(
        "\n",
        '<tr><th scope="row">{}{}</th><td data-label="Résultat">{}</td>{}</tr>',
        (
            (
                format_html(
                    '<a href="{}">{}</a>',
                    address("contracts:dialogue-line", contract, year, row.line.pk),
                    row.label,
                )
                if links
                else row.label,
                _NOTHING if row.line.is_of_contract else _OF_LIBRARY,
                result_markup(row, contract, year),
                _NOTHING if is_declaring else _judged(row),
            )
            for row in rows
        ),
    )


def _judged(row: ShownLine) -> SafeString:
    said = [format_html("{}{}: {}", one.party, NBSP, one.said) for one in row.reviews]
    if row.line.answer:
        said.append(format_html("CPTS{}: {}", NBSP, row.line.answer))
    reason = (
        format_html('<span class="fr-hint-text">{}</span>', row.line.set_reason)
        if row.line.set_reason
        else _NOTHING
    )
    return format_html(
        '<td data-label="Examen et réponse">{}</td><td class="portal-number" data-label="Retenu">'
        '{}</td><td class="portal-number" data-label="Taux">{}{}</td>',
        format_html_join(SafeString("<br>"), "{}", ((one,) for one in said)) if said else "–",
        row.agreed or "–",
        row.rate or "–",
        reason,
    )
