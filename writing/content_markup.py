"""Everything a case says, as HTML: before the deposit, and as it was frozen.

Written in Python rather than in a template: a case holds hundreds of cells and of communes,
and the page where it is read again must stay within twice the cost of an empty one. Whatever a
person wrote goes through `_e`.
"""

import uuid
from collections.abc import Mapping, Sequence
from html import escape as _e
from itertools import chain, groupby
from typing import Any, Final

from django.utils.safestring import SafeString

from cpts_portal import words
from cpts_portal.addresses import address
from cpts_portal.memo import Memo
from cpts_portal.words import figure
from procedures import answers as answer_rules
from procedures.schema import Field, FieldKind
from writing.content import WrittenContent
from writing.kinds import WrittenKind, written_of
from writing.models import WrittenCase
from writing.saying import beside_answers, own_as_data

Data = Mapping[str, Any]
# Beyond this many communes the lists come folded.
_MAX_OPEN: Final = 60


# About fifty full cases.
_kept_drafts = Memo[SafeString](limit=8_000_000, weigh=len)


def draft(case: WrittenCase, held: WrittenContent) -> SafeString:
    """A draft as it would be sent now: drawn once for all that it holds."""
    procedure = held.procedure
    beside = beside_answers(case, held)
    own = own_as_data(case, held)

    def drawn() -> SafeString:
        sections = [
            {
                "key": section.key,
                "title": section.title,
                "part": section.part,
                "fields": [
                    _draft_field(field, held) | own.get(field.key, {}) for field in section.fields
                ],
            }
            for section in procedure.sections
        ]
        return content(written_of(case), {"sections": sections, **beside}, case.public_id)

    answers = chain.from_iterable(sorted(held.written.items()))
    key = (case.public_id, procedure.key, procedure.version, repr((beside, own)), *answers)
    return _kept_drafts.get(key, drawn)


# About a hundred full cases: one answer that changes leaves the others drawn.
_kept_answers = Memo[str](limit=8_000_000, weigh=len)


def _draft_field(field: Field, held: WrittenContent) -> dict[str, Any]:
    def drawn() -> str:
        shown = answer_rules.display(field, held.answers.get(field.key))
        return answer(field.printed_label, answer_rules.as_data(shown))

    return {
        "key": field.key,
        "kind": field.kind.value,
        "group": field.group,
        "label": field.printed_label,
        "html": _kept_answers.get(held.mark(field), drawn) if field.is_answer else "",
    }


def content(kind: WrittenKind, data: Data, public_id: uuid.UUID) -> SafeString:
    """A case section by section, from a snapshot's content. `public_id` is of the case whose
    attachments are downloaded.
    """
    drawn = []
    part = ""
    for section in data["sections"]:
        if section["part"] and section["part"] != part:
            drawn.append(f'<p class="case-part">{_e(section["part"])}</p>')
        part = section["part"]
        key = section["key"]
        fields = "".join(_field(kind, field, data, public_id) for field in section["fields"])
        drawn.append(
            f'<section class="case-section" id="section-{key}" aria-labelledby="titre-{key}">'
            f'<h3 id="titre-{key}">{_e(section["title"])}</h3>\n{fields}</section>\n'
        )
    return SafeString("".join(drawn))


def _field(kind: WrittenKind, field: Data, data: Data, public_id: uuid.UUID) -> str:
    holds = field["kind"]
    if holds == "territory":
        inside = _territory(data["territory"], data["summary"])
    elif holds == "population":
        inside = _population(data["summary"])
    elif holds == "size_class":
        size = data["summary"]["size_class"]
        inside = f"<p>Taille {size[1:]}</p>" if size else _empty("span", "Non calculée", "p")
    elif holds == "attachment":
        slots = (slot for slot in data["attachments"] if slot["key"] == field["key"])
        inside = "".join(_slot(kind, slot, public_id) for slot in slots)
    elif holds == "signature":
        # A draft is not signed yet.
        if not data.get("signature"):
            return ""
        inside = _signature(data["signature"])
    elif holds in kind.own_fields:
        inside = kind.own_fields[FieldKind(holds)].shown(field)
    else:
        inside = field["html"] if "html" in field else answer(field["label"], field["display"])
    group = field["group"]
    above = f'<p class="case-group fr-text--bold">{_e(group)}</p>\n' if group else ""
    return f'{above}<div class="case-field"><h4>{_e(field["label"])}</h4>\n{inside}</div>\n'


def _empty(tag: str, text: str, around: str = "") -> str:
    shown = f'<{tag} class="case-empty">{text}</{tag}>'
    return f"<{around}>{shown}</{around}>" if around else shown


# --- Answers -------------------------------------------------------------------------


def answer(label: str, shown: Data) -> str:
    """One answer, from what `procedures.answers.display` gives, as data."""
    if shown["rows"]:
        return _table(label, shown)
    drawn = ""
    if shown["boxes"]:
        boxes = "".join(
            f'<li data-checked>{_e(box["label"])}<span class="fr-sr-only"> (coché)</span></li>'
            if box["ticked"]
            else f"<li>{_e(box['label'])}</li>"
            for box in shown["boxes"]
        )
        drawn += f'<ul class="case-boxes">{boxes}</ul>\n'
    if shown["pairs"]:
        pairs = "".join(
            f"<div><dt>{_e(term)}</dt><dd>{_e(value)}</dd></div>" for term, value in shown["pairs"]
        )
        drawn += f'<dl class="portal-data">{pairs}</dl>\n'
    if shown["lines"]:
        drawn += f"<p>{'&#10;'.join(map(_e, shown['lines']))}</p>"
    elif shown["blank"] and not shown["boxes"]:
        drawn += _empty("p", "Non renseigné")
    return drawn


def _table(label: str, shown: Data) -> str:
    name = _e(label)
    head = "".join(f'<th scope="col">{_e(heading)}</th>' for heading in shown["header"])
    rows = "".join(f"<tr>{_row(row, named=shown['row_headers'])}</tr>\n" for row in shown["rows"])
    return (
        '<div class="portal-table portal-table--stack" role="region"'
        f' aria-label="{name}" tabindex="0"><table><caption class="fr-sr-only">{name}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table></div>"
    )


def _row(cells: Sequence[Data], *, named: bool) -> str:
    if not named:
        return "".join(map(_cell, cells))
    name = " ".join(map(_e, cells[0]["lines"]))
    return f'<th scope="row">{name}</th>{"".join(map(_cell, cells[1:]))}'


def _cell(cell: Data) -> str:
    number = ' class="portal-number"' if cell["number"] else ""
    ticked = "".join(_e(box["label"]) for box in cell["boxes"] if box["ticked"])
    return f"<td{number}>{'<br>'.join(map(_e, cell['lines']))}{ticked}</td>"


# --- What is not an answer -----------------------------------------------------------


def _territory(lines: Sequence[Data], summary: Data) -> str:
    count = summary["commune_count"]
    below = (
        ". Le territoire compte moins d’habitants que le repère de la procédure"
        if summary["below_floor"]
        else ""
    )
    figures = (
        f"<p>{figure(count)} {_communes(count)}, {figure(summary['population'])} habitants"
        f" (communes {_year(summary['cog_year'])},"
        f" population légale {_year(summary['population_year'])}){below}.</p>\n"
    )
    is_open = " open" if len(lines) <= _MAX_OPEN else ""
    departments = "".join(
        _department(name, list(there), is_open)
        for name, there in groupby(lines, key=lambda line: line["department_name"])
    )
    return figures + (departments or _empty("p", "Aucune commune pour l’instant."))


def _department(name: str, lines: Sequence[Data], is_open: str) -> str:
    label = _e(name)
    rows = "".join(map(_commune, lines))
    return (
        f'<details class="fr-mb-2w"{is_open}>'
        f"<summary>{label}\u00a0: {figure(len(lines))} {_communes(len(lines))}</summary>\n"
        f'<div class="portal-table" role="region" aria-label="Communes, {label}" tabindex="0">'
        f'<table><caption class="fr-sr-only">Communes, {label}</caption>\n'
        '<thead><tr><th scope="col">Commune</th><th scope="col">Code INSEE</th>'
        '<th scope="col">Code postal</th><th scope="col" class="portal-number">Habitants</th>'
        f"</tr></thead>\n<tbody>{rows}</tbody></table></div></details>"
    )


def _commune(line: Data) -> str:
    part = line["part_name"]
    inhabitants = line["part_population"] if part else line["population"]
    return (
        f'<tr><th scope="row">{_e(line["name"])}{f" – {_e(part)}" if part else ""}</th>'
        f"<td>{line['code']}</td><td>{', '.join(line['postal_codes'])}</td>"
        f'<td class="portal-number">{"–" if inhabitants is None else figure(inhabitants)}</td>'
        "</tr>"
    )


def _communes(count: int) -> str:
    return "communes" if count > 1 else "commune"


def _year(year: int | None) -> str:
    return "" if year is None else str(year)


def _population(summary: Data) -> str:
    declared = summary["declared_population"]
    more = ""
    if declared is not None:
        reason = summary["declared_population_reason"]
        more = f"\nPopulation déclarée\u00a0: {figure(declared)} habitants" + (
            f" – {_e(reason)}" if reason else ""
        )
    return (
        f"<p><strong>{figure(summary['population'])} habitants</strong>"
        f" (population légale {_year(summary['population_year'])}){more}</p>"
    )


def _slot(kind: WrittenKind, slot: Data, public_id: uuid.UUID) -> str:
    if slot["files"]:
        files = "".join(
            '<li><a class="fr-link"'
            f' href="{address(f"{kind.namespace}:attachment", public_id, file["id"])}">'
            f"{_e(file['name'])}</a> <small>{words.file_size(file['size'])}</small></li>"
            for file in slot["files"]
        )
        return f'<ul class="case-documents">{files}</ul>'
    if slot["deferred"]:
        return f"<p>À venir\u00a0: {_e(slot['deferred'])}</p>"
    return _empty("p", "Aucun fichier")


def _signature(signature: Data) -> str:
    return (
        f"<p>{_e(signature['commitment'])}</p><p>Signé\u00a0: "
        f"<strong>{_e(signature['name'])}</strong>, à {_e(signature['place'])}. "
        f"Déposé depuis le compte de {_e(signature['account'])}.</p>"
    )
