"""Reads the `[project]` table of a health project's procedure."""

from procedures.project import Framework, Ground, Mission, ProjectRules, SheetRule, Theme
from procedures.toml import Table, repeated_in

MAX_SHEETS = 50


def read_project(root: Table) -> ProjectRules | None:
    """What is asked of a health project; None, and a fault, when the file does not say."""
    table = root.table("project")
    if table is None:
        return None
    rules = ProjectRules(
        missions=table.tables("missions", _mission, needed=True),
        themes=table.tables("themes", _theme),
        sheets=_sheets(table),
        frameworks=table.tables("frameworks", _framework, needed=True),
        grounds=table.tables("grounds", _ground, needed=True),
        grounds_source=table.text("grounds_source", needed=True),
    )
    table.close()
    _check_whole(table, rules)
    return rules


def _mission(table: Table) -> Mission:
    return Mission(
        key=table.key(),
        label=table.text("label", needed=True),
        is_core=table.boolean("is_core"),
    )


def _theme(table: Table) -> Theme:
    return Theme(
        key=table.key(),
        label=table.text("label", needed=True),
        help=table.text("help"),
        missions=table.texts("missions"),
    )


def _sheets(root: Table) -> SheetRule:
    table = root.table("sheets")
    if table is None:
        return SheetRule(
            minimum=0, associates_structures=False, covers_core_missions=False, text="", source=""
        )
    rule = SheetRule(
        minimum=table.integer("minimum", low=0, high=MAX_SHEETS, needed=True) or 0,
        associates_structures=table.boolean("associates_structures"),
        covers_core_missions=table.boolean("covers_core_missions"),
        text=table.text("text", needed=True),
        source=table.text("source", needed=True),
    )
    table.close()
    return rule


def _framework(table: Table) -> Framework:
    return Framework(
        key=table.key(), label=table.text("label", needed=True), help=table.text("help")
    )


def _ground(table: Table) -> Ground:
    return Ground(key=table.key(), label=table.text("label", needed=True))


def _check_whole(table: Table, rules: ProjectRules) -> None:
    """What no single line shows: keys used twice, a theme of an unknown mission, no core one."""
    for key, word, keys in (
        ("missions", "mission", [mission.key for mission in rules.missions]),
        ("themes", "thème", [theme.key for theme in rules.themes]),
        ("frameworks", "cadre", [framework.key for framework in rules.frameworks]),
        ("grounds", "motif", [ground.key for ground in rules.grounds]),
    ):
        if repeated := repeated_in(keys):
            table.fault(f"{word} «\u00a0{repeated}\u00a0» en double.", key)
    known = {mission.key for mission in rules.missions}
    for theme in rules.themes:
        for mission in theme.missions:
            if mission not in known:
                table.fault(
                    f"le thème «\u00a0{theme.key}\u00a0» cite une mission inconnue "
                    f"«\u00a0{mission}\u00a0».",
                    "themes",
                )
    if rules.missions and not rules.core_missions:
        table.fault("aucune mission n’est socle (« is_core »).", "missions")
    if rules.sheets.minimum and not rules.themes:
        table.fault("un nombre de fiches demande des thèmes.", "themes")
