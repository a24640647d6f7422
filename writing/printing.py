"""What a printed case shows, block by block, made from the deposited content alone.

The content is the JSON of a snapshot (or of a draft, for the preview) and the procedure is the
version it was written under, which never changes: printing it again tomorrow gives the same
text. Templates only go through what this module prepares.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any, Final

from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from cpts_portal.words import NBSP, figure, file_size, hour, long_date
from documents.french import Lines, french_spaces, local_datetime, to_paragraphs
from procedures.schema import FieldKind, Procedure
from territories.maps import TerritoryMap
from writing.kinds import written

# Characters across the page at the size of tables, and what padding takes in each column.
LINE_LENGTH: Final = 96
CELL_PADDING: Final = 3
BOX_COLUMN: Final = 8
# Capitals are wider than the average case `LINE_LENGTH` counts.
WORD_MARGIN: Final = 0.7
# A row with more text than this may be cut between two pages; a shorter one stays whole.
ROW_KEPT_WHOLE: Final = 600
SHORT_KINDS: Final = frozenset(
    {
        FieldKind.TEXT,
        FieldKind.DATE,
        FieldKind.MONTH,
        FieldKind.NUMBER,
        FieldKind.EMAIL,
        FieldKind.PHONE,
    }
)
SHORT_LABEL: Final = 70
SHORT_ANSWER: Final = 200


@dataclass(frozen=True)
class Row:
    """A label and its short answer, side by side."""

    label: str
    paragraphs: Lines

    @property
    def is_plain(self) -> bool:
        """One paragraph, set straight beside its label."""
        return len(self.paragraphs) == 1


@dataclass(frozen=True)
class Cell:
    """A cell of a printed table: its template says whether it is text, a figure or boxes."""

    template: str
    paragraphs: Lines = field(default_factory=list)
    boxes: list[dict[str, Any]] = field(default_factory=list)
    # A word wider than the column: only then may any word of the cell be cut.
    is_long: bool = False

    @property
    def is_plain(self) -> bool:
        """One paragraph, set straight in its cell."""
        return len(self.paragraphs) == 1


@dataclass(frozen=True)
class TableRow:
    cells: list[Cell]
    short: bool


@dataclass
class Block:
    """One thing to print: `template` lays it out, `group` is the sub-heading that opens it."""

    template: str
    label: str = ""
    group: str = ""
    paragraphs: Lines = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    options: list[dict[str, Any]] = field(default_factory=list)
    header: list[str] = field(default_factory=list)
    widths: list[str] = field(default_factory=list)
    figures: list[dict[str, str]] = field(default_factory=list)
    note: str = ""
    signature: dict[str, str] = field(default_factory=dict)
    # A drawing of our own, as SVG.
    drawing: SafeString = field(default_factory=SafeString)


@dataclass
class PrintedSection:
    """A section under its headings. Levels never skip one: a screen reader follows them."""

    part: str
    heading: str
    heading_tag: str
    heading_class: str
    group_tag: str
    blocks: list[Block]


# --- The case ---------------------------------------------------------------------------


def form_context(
    content: Mapping[str, Any],
    procedure: Procedure,
    *,
    digest: str = "",
    territory_map: TerritoryMap | None = None,
) -> dict[str, Any]:
    """Context of `pdf/form.html`. `digest` is the SHA-256 of the deposited content.

    `territory_map` opens the list of communes.
    """
    reference = content.get("reference", "")
    title = str(content["title"])
    return {
        "issuer": procedure.document.issuer,
        "heading": procedure.document.title,
        "subheading": procedure.document.subtitle,
        "name": french_spaces(title),
        "card": _card(content, procedure),
        "running": f"{reference} · {title}" if reference else f"Brouillon · {title}",
        "sections": _with_map(_sections(content, procedure, digest), territory_map),
    }


def _with_map(
    sections: list[PrintedSection], territory_map: TerritoryMap | None
) -> list[PrintedSection]:
    """The sections, with the map before the first list of communes."""
    for section in sections if territory_map else ():
        for rank, block in enumerate(section.blocks):
            if territory_map and block.template == _part("communes"):
                drawn = Block(
                    _part("map"),
                    block.label,
                    block.group,
                    # Drawn by us from whole numbers; every name in it is escaped.
                    drawing=SafeString(territory_map.svg),
                    note=territory_map.caption,
                )
                block.label = block.group = ""
                section.blocks.insert(rank, drawn)
                return sections
    return sections


def _card(content: Mapping[str, Any], procedure: Procedure) -> list[dict[str, Any]]:
    contact = _answers(content)
    words = written(content["kind"]).words
    card = []
    if reference := content.get("reference"):
        deposited_at = local_datetime(content["deposited_at"])
        office = content["office"]
        card = [
            {
                "label": "Référence",
                "first": reference,
                "lines": [
                    f"Déposé{words.e} le {long_date(deposited_at)}",
                    f"à {hour(deposited_at)}, sur le portail",
                    *_version_lines(content),
                ],
            },
            {"label": "Destinataire", "first": "", "lines": _name_lines(office)},
        ]
    else:
        card = [
            {
                "label": "État",
                "first": "Brouillon",
                "lines": [
                    f"Aperçu du {long_date(timezone.localdate())}",
                    f"{capfirst(words.noun)} non déposé{words.e}",
                ],
            },
            {"label": "Destinataire", "first": "", "lines": [procedure.addressee.label]},
        ]
    who = [contact.get("contact_name", ""), contact.get("contact_profession", "")]
    card.append({"label": "Référent", "first": "", "lines": [w for w in who if w] or ["–"]})
    return card


def _version_lines(content: Mapping[str, Any]) -> list[str]:
    completion = content.get("completion")
    if not completion:
        return []
    answered_at = local_datetime(completion["answered_at"])
    return [f"Version {content['version']}, complétée le {long_date(answered_at)}"]


def _name_lines(office: Mapping[str, Any]) -> list[str]:
    agency = office.get("agency") or {}
    names = (agency.get("name"), office["service"], office["name"])
    return [name for name in names if name]


def _answers(content: Mapping[str, Any]) -> dict[str, Any]:
    return {f["key"]: f["value"] for section in content["sections"] for f in section["fields"]}


def _sections(
    content: Mapping[str, Any], procedure: Procedure, digest: str
) -> list[PrintedSection]:
    own_title = {
        _same(procedure.document.title),
        _same(f"{procedure.document.title} {procedure.document.subtitle}"),
    }
    sections: list[PrintedSection] = []
    part = ""
    has_parts = any(section["part"] for section in content["sections"])
    for section in content["sections"]:
        new_part = section["part"] if section["part"] != part else ""
        part = section["part"] or part
        heading = section["heading"] or ("" if section["part"] else section["title"])
        if _same(heading).removesuffix("(cpts)").strip() in {
            t.removesuffix("(cpts)").strip() for t in own_title
        }:
            heading = ""
        below_part = has_parts and bool(section["part"])
        heading_level = 3 if below_part else 2
        group_level = heading_level + 1 if heading else heading_level
        blocks = _blocks(section, content, procedure, digest)
        _drop_repeated_labels(blocks, heading)
        sections.append(
            PrintedSection(
                part=new_part,
                heading=heading,
                heading_tag=f"h{heading_level}",
                heading_class="part" if has_parts and not below_part else "heading",
                group_tag=f"h{group_level}",
                blocks=blocks,
            )
        )
    return sections


def _same(text: str) -> str:
    """Text to compare headings by: case, accents' case and spaces aside."""
    return " ".join(text.casefold().split())


def _drop_repeated_labels(blocks: list[Block], heading: str) -> None:
    """A label that only says again the heading just above it is not printed twice."""
    above = {_same(heading)}
    for block in blocks:
        if block.group:
            above = {_same(block.group)}
        if block.label and _same(block.label) in above:
            block.label = ""


def _blocks(
    section: Mapping[str, Any], content: Mapping[str, Any], procedure: Procedure, digest: str
) -> list[Block]:
    blocks: list[Block] = []
    for item in section["fields"]:
        made = _field_blocks(item, content, procedure, digest)
        if not made:
            continue
        made[0].group = item["group"]
        follows_sheet = bool(blocks and not item["group"] and blocks[-1].template == _part("sheet"))
        if follows_sheet and (row := _as_row(made[0])):
            blocks[-1].rows += row
        else:
            blocks += made
    return blocks


def _as_row(block: Block) -> list[Row]:
    """The block as lines of the table of short answers just above it; none if it is long."""
    if block.template == _part("sheet"):
        return block.rows
    length = sum(len(line) for lines in block.paragraphs for line in lines)
    is_short = (
        block.template == _part("text")
        and len(block.label) <= SHORT_LABEL
        and length <= SHORT_ANSWER
    )
    return [Row(block.label, block.paragraphs)] if is_short else []


def _part(name: str) -> str:
    return f"pdf/parts/{name}.html"


def _field_blocks(
    item: Mapping[str, Any], content: Mapping[str, Any], procedure: Procedure, digest: str
) -> list[Block]:
    label = item["label"]
    match item["kind"]:
        case FieldKind.TERRITORY:
            return _territory_blocks(label, content)
        case FieldKind.POPULATION:
            return [_population_block(label, content["summary"])]
        case FieldKind.SIZE_CLASS:
            return [_size_block(label, content["summary"], procedure)]
        case FieldKind.ATTACHMENT:
            return _attachment_blocks(item, content)
        case FieldKind.SIGNATURE:
            return [*_file_list_blocks(content), _signature_block(content, procedure, digest)]
    own = written(content["kind"]).own_fields.get(FieldKind(item["kind"]))
    return own.printed(item) if own else [_answer_block(item)]


def _answer_block(item: Mapping[str, Any]) -> Block:
    shown = item["display"]
    label = french_spaces(item["label"])
    paragraphs = to_paragraphs(shown["lines"])
    if shown["header"]:
        return _table_block(label, shown)
    if shown["boxes"]:
        pairs = [Row(french_spaces(name), to_paragraphs([text])) for name, text in shown["pairs"]]
        return Block(_part("options"), label, options=_options(shown["boxes"]), rows=pairs)
    if item["kind"] in SHORT_KINDS:
        return Block(_part("sheet"), rows=[Row(label, paragraphs)])
    return Block(_part("text"), label, paragraphs=paragraphs)


def _options(boxes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"label": french_spaces(b["label"]), "ticked": b["ticked"]} for b in boxes]


def _table_block(label: str, shown: Mapping[str, Any]) -> Block:
    widths = column_widths(shown["header"], shown["rows"])
    rooms = [float(width) / 100 * LINE_LENGTH - CELL_PADDING for width in widths]
    rows = [
        TableRow(
            cells=[
                _cell(cell, room=rooms[rank], is_header=shown["row_headers"] and rank == 0)
                for rank, cell in enumerate(row)
            ],
            short=sum(len(line) for cell in row for line in cell["lines"]) <= ROW_KEPT_WHOLE,
        )
        for row in shown["rows"]
    ]
    return Block(
        _part("table"),
        label,
        header=[french_spaces(heading) for heading in shown["header"]],
        widths=widths,
        rows=rows,
    )


def _cell(cell: Mapping[str, Any], *, room: float, is_header: bool) -> Cell:
    if cell["boxes"]:
        return Cell(_part("cell_boxes"), boxes=_options(cell["boxes"]))
    name = "cell_header" if is_header else "cell_number" if cell["number"] else "cell"
    words = (word for line in cell["lines"] for word in re.split(r"[\s-]", line))
    is_long = max((len(word) for word in words), default=0) > room * WORD_MARGIN
    return Cell(_part(name), to_paragraphs(cell["lines"]), is_long=is_long)


def column_widths(header: Sequence[str], rows: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
    """Widths in percent, summing to 100.

    A column that needs less than an equal share gets what it needs; the others share the rest,
    the fuller the wider (by the square root of what they hold, so that a very long answer
    does not squeeze its label).
    """
    needs, volumes = [], []
    for rank, heading in enumerate(header):
        cells = [row[rank] for row in rows if rank < len(row)]
        texts = [len(line) for cell in cells for line in cell["lines"]]
        has_boxes = any(cell["boxes"] for cell in cells)
        longest_word = max((len(word) for word in heading.split()), default=0)
        needs.append(max([*texts, longest_word, BOX_COLUMN if has_boxes else 0]) + CELL_PADDING)
        volumes.append(sum(texts) + len(heading))
    shares: dict[int, float] = {}
    left = float(LINE_LENGTH)
    open_columns = set(range(len(header)))
    while open_columns:
        fair = left / len(open_columns)
        small = {rank for rank in open_columns if needs[rank] <= fair}
        if not small:
            break
        shares |= {rank: float(needs[rank]) for rank in small}
        left -= sum(needs[rank] for rank in small)
        open_columns -= small
    roots = {rank: volumes[rank] ** 0.5 for rank in open_columns}
    weights = {rank: min(root, 3 * min(roots.values())) for rank, root in roots.items()}
    shares |= {rank: left * weights[rank] / sum(weights.values()) for rank in open_columns}
    total = sum(shares.values())
    return [f"{100 * shares[rank] / total:.2f}" for rank in range(len(header))]


# --- Territory ----------------------------------------------------------------------------


def _territory_blocks(label: str, content: Mapping[str, Any]) -> list[Block]:
    communes = content["territory"]
    year = content["summary"]["population_year"]
    blocks = []
    label = french_spaces(label)
    if not communes:
        return [Block(_part("text"), label)]
    for department, group in groupby(communes, key=department_name):
        lines = list(group)
        known = sum(_inhabitants(commune) or 0 for commune in lines)
        count = len({commune["code"] for commune in lines})
        plural = "s" if count > 1 else ""
        blocks.append(
            Block(
                _part("communes"),
                label,
                header=[
                    "Commune ou quartier",
                    f"Population légale {year}",
                    "Code postal",
                    "Code INSEE",
                ],
                rows=[
                    {
                        "name": _commune_name(commune),
                        "population": _figure(_inhabitants(commune)),
                        "postal_codes": ", ".join(commune["postal_codes"]),
                        "code": commune["code"],
                    }
                    for commune in lines
                ],
                note=f"{department} – {figure(count)} commune{plural}, {figure(known)} habitants",
            )
        )
        label = ""
    return blocks


def department_name(commune: Mapping[str, Any]) -> str:
    """« Tarn (81) »."""
    return f"{commune['department_name']} ({commune['department']})"


def _commune_name(commune: Mapping[str, Any]) -> str:
    part = commune["part_name"]
    return f"{commune['name']} – {part} (partie)" if part else str(commune["name"])


def _inhabitants(commune: Mapping[str, Any]) -> int | None:
    value = commune["part_population"] if commune["part_name"] else commune["population"]
    return None if value is None else int(value)


def _population_block(label: str, summary: Mapping[str, Any]) -> Block:
    figures = [
        {"label": "Communes", "value": figure(summary["commune_count"])},
        {
            "label": f"Population légale {summary['population_year']} (INSEE)",
            "value": f"{figure(summary['population'])} habitants",
        },
    ]
    note = ""
    if summary["declared_population"] is not None:
        figures.append(
            {
                "label": "Population déclarée par le porteur",
                "value": f"{figure(summary['declared_population'])} habitants",
            }
        )
        note = french_spaces(summary["declared_population_reason"])
    return Block(_part("population"), french_spaces(label), figures=figures, note=note)


def _size_block(label: str, summary: Mapping[str, Any], procedure: Procedure) -> Block:
    options = [
        {"label": french_spaces(option.label), "ticked": option.key == summary["size_class"]}
        for option in procedure.size_rule.options
    ]
    return Block(
        _part("options"), french_spaces(label), options=options, note=procedure.size_rule.note
    )


# --- Attachments and signature --------------------------------------------------------------


def _attachment_blocks(item: Mapping[str, Any], content: Mapping[str, Any]) -> list[Block]:
    slot = next((s for s in content["attachments"] if s["key"] == item["key"]), None)
    if slot is None:
        return []
    label = french_spaces(item["label"] or slot["label"])
    if slot["files"]:
        lines = [f"Pièce jointe{NBSP}: {file['name']}" for file in slot["files"]]
    elif slot["deferred"]:
        lines = [f"Pièce à venir{NBSP}: {slot['deferred']}"]
    else:
        lines = ["Aucune pièce jointe"]
    return [Block(_part("sheet"), rows=[Row(label, to_paragraphs(lines))])]


def _file_list_blocks(content: Mapping[str, Any]) -> list[Block]:
    words = written(content["kind"]).words
    rows = [
        {
            "slot": slot["label"],
            "name": file["name"],
            "size": file_size(file["size"]),
            "digest": file["sha256"][:16],
        }
        for slot in content["attachments"]
        for file in slot["files"]
    ]
    return [Block(_part("files"), f"Pièces jointes {words.to_the}", rows=rows)] if rows else []


def _signature_block(content: Mapping[str, Any], procedure: Procedure, digest: str) -> Block:
    signature = content.get("signature")
    words = written(content["kind"]).words
    if not signature:
        return Block(_part("signature_blank"), signature={"commitment": procedure.commitment})
    deposited_at = local_datetime(content["deposited_at"])
    return Block(
        _part("signature"),
        signature={
            "commitment": french_spaces(signature["commitment"]),
            "name": signature["name"],
            "place": f"Fait à {signature['place']}, le {long_date(_day(signature['date']))}",
            "account": f"Déposé{words.e} électroniquement par {signature['account']} le "
            f"{long_date(deposited_at)} à {hour(deposited_at)}, "
            f"sous la référence {content['reference']}.",
            "digest": digest,
        },
    )


# --- French text ----------------------------------------------------------------------------


def _figure(number: int | None) -> str:
    return "non publiée" if number is None else f"{figure(number)}{NBSP}hab."


def _day(value: str | date) -> date:
    day = parse_date(value) if isinstance(value, str) else value
    if day is None:
        raise ValueError(f"Not a day: {value!r}")
    return day
