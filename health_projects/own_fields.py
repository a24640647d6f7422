"""The fields of the form that a project keeps as rows: association, action sheets, members.

Each is written on a page of its own; its step says where it stands and leads there. What is
frozen of the sheets and of the association is whole in the content beside the form (`parts`):
the field keeps what two versions are compared by.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from django.db import connection
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from communities import legal
from communities.models import LegalEntity
from cpts_portal.addresses import address
from cpts_portal.memo import Memo
from health_projects import actors, sheet_missing, sheet_showing, sheets
from health_projects.models import HealthProject, SheetActor
from health_projects.sheets import Data
from members.services import Counts, Tally, counts_in
from procedures.answers import Cell, Display, as_data
from procedures.project import ProjectRules
from procedures.schema import Field, FieldKind
from writing.content_markup import answer

_COLUMNS: Final[dict[str, str]] = {
    "label": "Fiche",
    "issue": "Problématique",
    "general_objective": "Objectif général",
    "specific_objectives": "Objectifs spécifiques",
    "actions": "Actions",
    "actors": "Acteurs",
    "coordinator": "Coordinateur",
    "calendar": "Calendrier",
    "evaluation": "Évaluation",
    "means": "Moyens",
    "missions": "Missions et thèmes",
}


def _button(url: str, label: str) -> SafeString:
    return format_html('<p><a class="fr-btn fr-btn--secondary" href="{}">{}</a></p>', url, label)


def _several(count: int, one: str, many: str) -> str:
    return f"{count} {many if count > 1 else one}"


class LegalEntityField:
    """The association that carries the CPTS today."""

    def read(self, case: HealthProject, field: Field) -> LegalEntity | None:
        return legal.current_entity(case.community)

    def missing(self, field: Field, held: LegalEntity | None) -> list[str]:
        return legal.missing_of(held)

    def is_touched(self, held: LegalEntity | None) -> bool:
        return held is not None

    def in_step(
        self,
        case: HealthProject,
        field: Field,
        held: LegalEntity | None,
        *,
        may_edit: bool,
    ) -> SafeString:
        said = format_html_join(
            "", "<div><dt>{}</dt><dd>{}</dd></div>", legal.rows_of(legal.as_data(held))
        )
        label = "Compléter ou remplacer l’association" if held else "Ajouter l’association"
        return format_html(
            '{}<p><a class="fr-btn fr-btn--secondary" href="{}">{}</a></p>',
            format_html('<dl class="portal-data">{}</dl>', said)
            if held
            else format_html("<p>{}</p>", "Aucune association n’est enregistrée."),
            address("communities:legal", case.community.public_id),
            label if may_edit else "Voir l’association",
        )

    def as_data(
        self,
        case: HealthProject,
        field: Field,
        held: LegalEntity | None,
    ) -> dict[str, Any]:
        pairs = tuple(legal.rows_of(legal.as_data(held)))
        return {"display": as_data(Display(field.key, field.printed_label, not pairs, pairs=pairs))}

    def shown(self, data: Mapping[str, Any]) -> str:
        return answer(data["label"], data["display"])

    def printed(self, data: Mapping[str, Any]) -> list[Any]:
        """Nothing here: it is printed with the parts beside the form."""
        return []


@dataclass(frozen=True)
class _Sheets:
    """How far the sheets are; what they say is read when it is asked for."""

    case: HealthProject
    rules: ProjectRules
    # As `sheets.brief_of`.
    brief: str

    @cached_property
    def in_brief(self) -> list[Data]:
        return sheets.sheets_in_brief(self.brief, self.rules)

    @cached_property
    def sheets(self) -> list[Data]:
        return sheets.sheets_as_data(self.case)


# What about two hundred projects lack.
_kept_lacks = Memo[tuple[str, ...]](limit=4_000_000, weigh=lambda said: sum(map(len, said)))


class SheetsField:
    """The action sheets."""

    def read(self, case: HealthProject, field: Field) -> _Sheets:
        return _Sheets(case, sheets.rules_of(case), sheets.brief_of(case))

    def missing(self, field: Field, held: _Sheets) -> list[str]:
        def read() -> tuple[str, ...]:
            found = sheet_missing.missing_in(held.rules, held.in_brief)
            return tuple(one.sentence for one in found)

        key = held.case.procedure_key, held.case.procedure_version, held.brief
        return list(_kept_lacks.get(key, read))

    def is_touched(self, held: _Sheets) -> bool:
        return held.brief != "[]"

    def in_step(
        self,
        case: HealthProject,
        field: Field,
        held: _Sheets,
        *,
        may_edit: bool,
    ) -> SafeString:
        count = len(held.in_brief)
        left = sum(bool(sheet_missing.lacks(sheet)) for sheet in held.in_brief)
        said = _several(count, "fiche action", "fiches actions") if count else "Aucune fiche action"
        if left:
            said += f", dont {left} à compléter"
        signalled = format_html_join(
            "",
            '<p class="portal-muted">Signalé : {}</p>',
            ((one,) for one in sheet_missing.signalled_in(held.rules, held.in_brief)),
        )
        return format_html(
            "<p>{}.</p>{}{}",
            said,
            signalled,
            _button(
                address("projects:sheets", case.public_id),
                "Écrire les fiches actions" if may_edit else "Voir les fiches actions",
            ),
        )

    def as_data(
        self,
        case: HealthProject,
        field: Field,
        held: _Sheets,
    ) -> dict[str, Any]:
        rows = tuple(
            tuple(Cell(lines=_cell(sheet, key)) for key in _COLUMNS) for sheet in held.sheets
        )
        shown = Display(
            field.key,
            field.printed_label,
            not rows,
            header=tuple(_COLUMNS.values()),
            rows=rows,
            row_headers=True,
        )
        return {"display": as_data(shown)}

    def shown(self, data: Mapping[str, Any]) -> str:
        """Their labels: each has its own page."""
        rows = data["display"]["rows"]
        labels = format_html_join("", "<li>{}</li>", ((" ".join(row[0]["lines"]),) for row in rows))
        return format_html("<ol>{}</ol>", labels) if rows else "<p>Aucune fiche action.</p>"

    def printed(self, data: Mapping[str, Any]) -> list[Any]:
        """Nothing here: they are printed with the parts beside the form."""
        return []


_LINES: Final = dict(SheetActor.Line.choices)


def _cell(sheet: Data, key: str) -> tuple[str, ...]:
    match key:
        case "coordinator":
            return (sheet[key]["name"],) if sheet[key] else ()
        case "actors":
            return tuple(
                ", ".join(part for part in (one["name"], _LINES[one["line"]], one["role"]) if part)
                for one in sheet["actors"]
            )
        case "missions":
            return tuple(one["label"] for one in (*sheet["missions"], *sheet["themes"]))
        case "calendar":
            dates = sheet_showing.show(sheet).dates
            return tuple(one for one in (dates, *sheet[key].splitlines()) if one)
    return tuple(str(sheet[key]).splitlines())


@dataclass(frozen=True)
class _Members:
    counts: Counts
    categories: actors.Categories
    names_a_structure: bool


# Written by hand: the members counted, and whether a sheet associates a structure, in one go.
_MEMBERS: Final = """
    SELECT kind, profession, structure_kind, count(*),
           EXISTS (SELECT FROM health_projects_sheetactor AS actor
                     JOIN health_projects_actionsheet AS sheet ON sheet.id = actor.sheet_id
                    WHERE sheet.project_id = %(project)s
                      AND actor.line IN ('structure', 'prevention'))
      FROM members_member
     WHERE community_id = %(community)s AND left_on IS NULL
     GROUP BY kind, profession, structure_kind
"""


class MembersField:
    """The members of the CPTS, and the actors that the sheets add to them."""

    def read(self, case: HealthProject, field: Field) -> _Members:
        with connection.cursor() as cursor:
            cursor.execute(_MEMBERS, {"project": case.pk, "community": case.community_id})
            rows = cursor.fetchall()
        tallies = [Tally(*row[:4]) for row in rows]
        # Without a member, nobody asks whether a structure is named.
        named = bool(rows) and rows[0][4]
        return _Members(counts_in(tallies), actors.categories_in(tallies), named)

    def missing(self, field: Field, held: _Members) -> list[str]:
        return actors.problems(held.categories, names_a_structure=held.names_a_structure)

    def is_touched(self, held: _Members) -> bool:
        return held.counts.total > 0

    def in_step(
        self,
        case: HealthProject,
        field: Field,
        held: _Members,
        *,
        may_edit: bool,
    ) -> SafeString:
        counts = held.counts
        return format_html(
            "<p>{}, {}.</p>{}",
            _several(counts.professionals, "professionnel de ville", "professionnels de ville"),
            _several(counts.structures, "structure", "structures"),
            _button(
                address("members:list", case.community.public_id),
                "Tenir la liste des membres" if may_edit else "Voir les membres",
            ),
        )

    def as_data(
        self,
        case: HealthProject,
        field: Field,
        held: _Members,
    ) -> dict[str, Any]:
        found = (*held.counts.by_profession, *held.counts.by_structure)
        pairs = tuple((one.label, str(one.count)) for one in found)
        return {"display": as_data(Display(field.key, field.printed_label, not pairs, pairs=pairs))}

    def shown(self, data: Mapping[str, Any]) -> str:
        return answer(data["label"], data["display"])

    def printed(self, data: Mapping[str, Any]) -> list[Any]:
        """Nothing here: they are printed with the parts beside the form."""
        return []


OWN_FIELDS: Final[dict[FieldKind, Any]] = {
    FieldKind.LEGAL_ENTITY: LegalEntityField(),
    FieldKind.ACTION_SHEETS: SheetsField(),
    FieldKind.MEMBERS: MembersField(),
}
