"""The lines of a yearly dialogue as rows of tables: hundreds of cells, drawn without a template."""

from collections.abc import Sequence
from html import escape as _e
from uuid import UUID

from django.utils.html import format_html
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
    facts = (("Cible", row.target), ("Départ", row.baseline), ("Déclaré", row.declared))
    said = "<br>".join(
        f"<strong>{label}{NBSP}: </strong>{_e(value)}" for label, value in facts if value
    )
    deltas = _list("fr-hint-text fr-mb-1v", [_e(one) for one in row.deltas])
    comment = row.line.comment
    written = f'<p class="fr-mb-1v">{_e(comment)}</p>' if comment else ""
    proofs = _list("fr-mb-1v", [_proof(one, contract, year) for one in row.proofs])
    return SafeString(f'<p class="fr-mb-1v">{said}</p>{deltas}{written}{proofs}')


def _list(css: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    inside = "".join(f"<li>{one}</li>" for one in items)
    return f'<ul class="{css}">{inside}</ul>'


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
    return SafeString(
        "\n".join(
            f'<tr><th scope="row">{_name(row, contract, year, links=links)}'
            f"{'' if row.line.is_of_contract else _OF_LIBRARY}</th>"
            f'<td data-label="Résultat">{result_markup(row, contract, year)}</td>'
            f"{'' if is_declaring else _judged(row)}</tr>"
            for row in rows
        )
    )


def _name(row: ShownLine, contract: UUID, year: int, *, links: bool) -> str:
    if not links:
        return _e(row.label)
    url = address("contracts:dialogue-line", contract, year, row.line.pk)
    return f'<a href="{url}">{_e(row.label)}</a>'


def _judged(row: ShownLine) -> str:
    said = [f"{_e(one.party)}{NBSP}: {_e(one.said)}" for one in row.reviews]
    if row.line.answer:
        said.append(f"CPTS{NBSP}: {_e(row.line.answer)}")
    reason = row.line.set_reason
    why = f'<span class="fr-hint-text">{_e(reason)}</span>' if reason else ""
    return (
        f'<td data-label="Examen et réponse">{"<br>".join(said) or "–"}</td>'
        f'<td class="portal-number" data-label="Retenu">{_e(row.agreed) or "–"}</td>'
        f'<td class="portal-number" data-label="Taux">{_e(row.rate) or "–"}{why}</td>'
    )
