"""The pages of the docs that show each form: generated, never written by hand."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from django.conf import settings

from cpts_portal.words import figure
from procedures.circuit import Circuit, Financing
from procedures.mapping import document_of, mapped
from procedures.project import ProjectRules
from procedures.registry import all_procedures
from procedures.schema import (
    COMPUTED_KINDS,
    Column,
    Field,
    FieldKind,
    Procedure,
    ProcedureKind,
)
from procedures.sources import SourceDocument, read_sources

FORMS_FOLDER: Final = Path(settings.BASE_DIR) / "docs" / "formulaires"
KIND_WORDS: Final[Mapping[str, str]] = {
    "text": "une ligne de texte",
    "paragraph": "texte",
    "date": "date",
    "month": "mois",
    "number": "nombre entier",
    "email": "adresse électronique",
    "phone": "téléphone",
    "choice": "choix",
    "yes_no": "oui ou non",
    "structure": "structure juridique",
    "table": "tableau",
    "territory": "communes, choisies dans le référentiel",
    "population": "calculée, et déclarée si elle diffère",
    "size_class": "calculée, montrée par quatre cases",
    "attachment": "pièce jointe",
    "signature": "donnée au dépôt",
    "legal_entity": "association, gardée avec ses dates",
    "action_sheets": "fiches, chacune à part",
    "members": "membres, chacun à part",
}
CASE_WORDS: Final[Mapping[ProcedureKind, str]] = {
    ProcedureKind.LETTER_OF_INTENT: "Lettre d’intention",
    ProcedureKind.HEALTH_PROJECT: "Projet de santé",
}
SILENCE_WORDS: Final[Mapping[str, str]] = {"refusal": "rejet", "acceptance": "acceptation"}
DECIDER_WORDS: Final[Mapping[str, str]] = {"ars": "l’ARS", "cpam": "l’Assurance Maladie"}
BODY_SILENCE_WORDS: Final[Mapping[str, str]] = {
    "no_opinion": "le dossier continue sans cet avis",
    "deemed_given": "l’avis est réputé rendu",
}


def pages() -> dict[Path, str]:
    """Every page by its path: one per procedure (its last version), and their table."""
    documents = read_sources()
    last = {procedure.key: procedure for procedure in all_procedures()}
    written = {
        FORMS_FOLDER / f"{key}.md": _page(procedure, documents) for key, procedure in last.items()
    }
    return written | {FORMS_FOLDER / "README.md": _index(last.values())}


def stale_pages() -> list[Path]:
    """The pages that are missing, out of date, or of a procedure that is no more."""
    expected = pages()
    changed = [
        path
        for path, text in expected.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    return changed + sorted(set(FORMS_FOLDER.glob("*.md")) - expected.keys())


def _index(procedures: Iterable[Procedure]) -> str:
    lines = [
        "# Les formulaires",
        "",
        (
            "Pages produites par `manage.py document_procedures` d’après `procedures/regions/` : "
            "ne les modifiez pas à la main."
        ),
    ]
    listed = list(procedures)
    for kind, word in CASE_WORDS.items():
        rows = [
            (
                f"[{procedure.label}]({procedure.key}.md)",
                procedure.addressee.label,
                str(len(procedure.fields)),
            )
            for procedure in listed
            if procedure.kind == kind
        ]
        if rows:
            header = ("Formulaire", "Destinataire", "Champs")
            lines += ["", f"## {word}", "", *_table(header, rows)]
    return "\n".join(lines) + "\n"


def _page(procedure: Procedure, documents: Mapping[str, SourceDocument]) -> str:
    region = f"région {procedure.region_code}" if procedure.region_code else "autres régions"
    lines = [
        f"# {CASE_WORDS[procedure.kind]} : {procedure.label}",
        "",
        (
            "Page produite par `manage.py document_procedures` d’après "
            f"`procedures/regions/{procedure.key}-{procedure.version}.toml` : ne la modifiez pas à "
            "la main."
        ),
        "",
        (
            f"Version {procedure.version}, {region}, en vigueur depuis le "
            f"{procedure.valid_from:%d/%m/%Y}."
        ),
        "",
        *_circuit(procedure),
        "",
        *_fields(procedure),
        "",
        *_attachments(procedure),
    ]
    if procedure.project:
        lines += ["", *_project(procedure.project)]
    document = document_of(procedure, documents)
    if document:
        lines += ["", *_source(procedure, document)]
    return "\n".join(lines) + "\n"


def _circuit(procedure: Procedure) -> list[str]:
    low, middle, high = (figure(bound) for bound in procedure.size_rule.thresholds)
    floor = procedure.floor
    effect = "un avertissement" if floor.is_warning else "un refus du dépôt"
    lines = [
        "## Le circuit",
        "",
        f"- Destinataire : {procedure.addressee.label}. {procedure.addressee.help}",
        *(f"- Informés : {desk.label}." for desk in procedure.informed),
        (
            f"- Tailles : bornes à {low}, {middle} et {high} habitants. {procedure.size_rule.note} "
            f"Source : {procedure.size_rule.source}"
        ),
        f"- Plancher : {figure(floor.inhabitants)} habitants, {effect}. Source : {floor.source}",
        *_decision(procedure.circuit),
    ]
    if procedure.paper:
        lines.append(f"- Papier : {procedure.paper.help}")
    if offices := procedure.addressee.offices:
        rows = [
            (
                office.department or "toute la région",
                ", ".join(filter(None, (office.name, office.service))),
                ", ".join(office.address),
                " ; ".join(filter(None, (office.email, office.phone))),
            )
            for office in offices
        ]
        lines += ["", *_table(("Département", "Bureau", "Adresse", "Contact"), rows)]
    return lines + _opinions(procedure.circuit) + _financing(procedure.circuit)


def _decision(circuit: Circuit) -> list[str]:
    """Who decides and within how long, one line each."""
    period = circuit.period
    outcome = SILENCE_WORDS[period.silence]
    by = " et ".join(DECIDER_WORDS[decider] for decider in circuit.decision.by)
    lines = [
        (
            f"- Silence de l’administration : {outcome} au bout de {period.months} mois "
            f"(l’accusé de réception le dit). Source : {period.source}"
        ),
        f"- Décision : {by}. Source : {circuit.decision.source}",
    ]
    if circuit.synthesis:
        lines.append(f"- {circuit.synthesis.label}. Source : {circuit.synthesis.source}")
    if circuit.meeting:
        lines.append(f"- {circuit.meeting.label}. Source : {circuit.meeting.source}")
    return lines


def _opinions(circuit: Circuit) -> list[str]:
    if not circuit.consultations:
        return []
    rows = [
        (
            str(line.stage),
            line.label,
            "avis attendu" if line.is_expected else "pour information",
            f"{line.days} jours" if line.days else "",
            BODY_SILENCE_WORDS[line.silence] if line.silence else "",
            circuit.grid(line.grid).label if line.grid else "",
            line.source,
        )
        for line in circuit.consultations
    ]
    header = ("Étape", "Organismes", "Pour quoi", "Délai", "Silence", "Grille", "Source")
    lines = ["", "### Les avis", "", *_table(header, rows)]
    if before := circuit.reminders.before:
        days = " et ".join(str(day) for day in before)
        lines += ["", f"Rappels {days} jours avant la date limite."]
    for grid in circuit.grids:
        marks = ", ".join(f"{mark.value} ({mark.label.lower()})" for mark in grid.scale)
        lines += ["", f"{grid.label}, notés {marks}. Source : {grid.source}", ""]
        lines += [f"- {criterion.label}. {criterion.help}" for criterion in grid.criteria]
    return lines


def _financing(circuit: Circuit) -> list[str]:
    if not circuit.financing:
        return []
    rows = [
        (aid.label, _amount(aid), f"{aid.valid_from:%d/%m/%Y}", aid.source)
        for aid in circuit.financing
    ]
    header = ("Aide", "Montant", "Depuis le", "Source")
    return ["", "### Les aides possibles", "", *_table(header, rows)]


def _amount(aid: Financing) -> str:
    if aid.amount is None:
        return "fixé par la décision"
    euros = f"{figure(int(aid.amount))}\u00a0€"
    return f"jusqu’à {euros}" if aid.is_ceiling else euros


def _fields(procedure: Procedure) -> list[str]:
    rows = [
        (
            section.title,
            f"`{field.key}`",
            field.label,
            _kind(field),
            _needed(field),
            _limits(field),
            ", ".join(f"`{name}`" for name in field.source) or "champ du portail",
        )
        for section in procedure.sections
        for field in section.fields
    ]
    header = ("Étape", "Clé", "Libellé", "Nature", "Obligatoire", "Limites", "Source")
    return ["## Les champs", "", *_table(header, rows)]


def _needed(field: Field) -> str:
    if field.kind in COMPUTED_KINDS and not field.required:
        return ""
    return "oui" if field.required else "non"


def _kind(field: Field) -> str:
    word = KIND_WORDS[field.kind]
    if field.kind == FieldKind.TABLE:
        word += f" : {' ; '.join(_column(column) for column in field.columns)}"
        if field.fixed_rows:
            word += f". Lignes : {' ; '.join(row.label for row in field.fixed_rows)}"
    elif field.options:
        word += f" : {' ; '.join(option.label for option in field.options)}"
    return word


def _column(column: Column) -> str:
    needed = ", obligatoire" if column.required else ""
    if column.required_if:
        needed = ", obligatoire si oui"
    return f"{column.label} (`{column.key}`, {KIND_WORDS[column.kind]}{needed})"


def _limits(field: Field) -> str:
    if field.kind in COMPUTED_KINDS:
        return ""
    if field.max_length:
        return f"{figure(field.max_length)} caractères"
    if field.max_rows:
        return f"{figure(field.max_rows)} lignes"
    return ""


def _attachments(procedure: Procedure) -> list[str]:
    rows = [
        (
            f"`{slot.key}`",
            slot.label,
            ("oui, ou « à venir » avec le motif" if slot.deferrable else "oui")
            if slot.required
            else "non",
            slot.accept_label,
            str(slot.max_files),
        )
        for slot in procedure.attachments
    ]
    header = ("Clé", "Pièce", "Obligatoire", "Formats", "Fichiers au plus")
    return ["## Les pièces", "", *_table(header, rows)]


def _project(rules: ProjectRules) -> list[str]:
    """What is asked of a health project beside its form."""
    served = {
        mission.key: ", ".join(
            theme.label for theme in rules.themes if mission.key in theme.missions
        )
        for mission in rules.missions
    }
    rows = [
        (mission.label, "socle" if mission.is_core else "optionnelle", served[mission.key])
        for mission in rules.missions
    ]
    return [
        "## Les fiches actions et les missions",
        "",
        f"{rules.sheets.text} Source : {rules.sheets.source}",
        "",
        *_table(("Mission", "Nature", "Thèmes de la région"), rows),
        "",
        "## La cohérence et l’opposition",
        "",
        "Cadres avec lesquels la cohérence est vérifiée :",
        "",
        *(f"- {framework.label}. {framework.help}" for framework in rules.frameworks),
        "",
        f"Motifs d’opposition. Source : {rules.grounds_source}",
        "",
        *(f"- {ground.label}" for ground in rules.grounds),
    ]


def _source(procedure: Procedure, document: SourceDocument) -> list[str]:
    rows = [
        (
            f"`{entry.source.full_id}`",
            " › ".join(entry.source.headings),
            _source_label(entry.source.label, entry.source.columns, entry.source.rows),
            ", ".join(f"`{field.key}`" for field in entry.fields),
        )
        for entry in mapped(procedure, document)
    ]
    header = ("Champ de la source", "Rubrique", "Libellé", "Champ du portail")
    lines = [
        "## Du document au portail",
        "",
        (
            f"Document {document.number} : « {document.title} », {document.publisher}, "
            f"{document.date}. Ses {len(document.fields)} champs, dans son ordre :"
        ),
        "",
        *_table(header, rows),
    ]
    if document.notes:
        lines += ["", "### Remarques sur le document", ""]
        lines += [f"- {note}" for note in document.notes]
    return lines


def _source_label(label: str, columns: tuple[str, ...], rows: tuple[str, ...]) -> str:
    if columns:
        label += f" Colonnes : {' ; '.join(columns)}."
    if rows:
        label += f" Lignes : {' ; '.join(rows)}."
    return label


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [
        f"| {' | '.join(header)} |",
        f"|{'---|' * len(header)}",
        *(f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows),
    ]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
