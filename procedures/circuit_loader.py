"""Reads the `[circuit]` table of a procedure and refuses what does not hold together."""

import re
from datetime import date
from decimal import Decimal

from procedures.circuit import (
    Body,
    Circuit,
    ConsultationKind,
    Criterion,
    Decider,
    DecisionRule,
    Financing,
    Grid,
    LegalPeriod,
    Mark,
    Meeting,
    PlannedConsultation,
    Reminders,
    Scope,
    Silence,
    SilenceOfBody,
    SynthesisRule,
)
from procedures.toml import EnumType, Table, repeated_in

MAX_MONTHS = 12
MAX_DAYS = 120
MAX_STAGES = 9
MAX_EUROS = 10_000_000
ORGANISATION_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


# What stands in for a circuit that could not be read: its fault is noted already.
_NOTHING = Circuit(
    period=LegalPeriod(months=1, silence=Silence.REFUSAL, source=""),
    decision=DecisionRule(by=(Decider.ARS,), source=""),
    consultations=(),
    reminders=Reminders(),
    grids=(),
    synthesis=None,
    meeting=None,
    financing=(),
)


def read_circuit(root: Table, *, addressee: str) -> Circuit:
    """The circuit of a procedure whose cases a body of kind `addressee` receives."""
    table = root.table("circuit")
    if table is None:
        return _NOTHING
    circuit = Circuit(
        period=_period(table),
        decision=_decision(table),
        consultations=table.tables("consultations", _consultation),
        reminders=_reminders(table),
        grids=table.tables("grids", _grid),
        synthesis=_synthesis(table),
        meeting=_meeting(table),
        financing=table.tables("financing", _financing),
    )
    table.close()
    _check_whole(table, circuit, addressee)
    return circuit


def _enums(
    table: Table, key: str, kinds: type[EnumType], word: str, *, needed: bool
) -> tuple[EnumType, ...]:
    found = []
    names = table.texts(key)
    if needed and not names:
        table.fault(f"dites au moins un {word}.", key)
    for name in names:
        try:
            found.append(kinds(name))
        except ValueError:
            known = ", ".join(kinds)
            table.fault(f"{word} inconnu « {name} » (connus : {known}).", key)
    return tuple(found)


def _period(root: Table) -> LegalPeriod:
    table = root.table("period")
    if table is None:
        return _NOTHING.period
    period = LegalPeriod(
        months=table.integer("months", low=1, high=MAX_MONTHS, needed=True) or 1,
        silence=table.enum("silence", Silence, "sens du silence", Silence.REFUSAL),
        source=table.text("source", needed=True),
    )
    table.close()
    return period


def _decision(root: Table) -> DecisionRule:
    table = root.table("decision")
    if table is None:
        return _NOTHING.decision
    rule = DecisionRule(
        by=_enums(table, "by", Decider, "décideur", needed=True),
        after=table.text("after"),
        source=table.text("source", needed=True),
    )
    if rule.by and Decider.ARS not in rule.by:
        table.fault("l’ARS décide toujours, seule ou avec un autre organisme.", "by")
    table.close()
    return rule


def _consultation(table: Table) -> PlannedConsultation:
    kind = table.enum(
        "kind", ConsultationKind, "genre de consultation", ConsultationKind.INFORMATION
    )
    codes = table.texts("organisations")
    for code in codes:
        if not ORGANISATION_CODE.fullmatch(code):
            table.fault(f"« {code} » n’est pas un code d’organisme.", "organisations")
    expected = kind == ConsultationKind.EXPECTED
    return PlannedConsultation(
        key=table.key(),
        label=table.text("label", needed=True),
        kind=kind,
        body=table.enum("body", Body, "organisme", Body.URPS),
        scope=table.enum("scope", Scope, "périmètre", Scope.REGION),
        organisations=codes,
        stage=table.integer("stage", low=1, high=MAX_STAGES) or 1,
        days=table.integer("days", low=1, high=MAX_DAYS, needed=True) if expected else None,
        grid=table.text("grid") if expected else "",
        silence=table.enum("silence", SilenceOfBody, "sens du silence", SilenceOfBody.NO_OPINION)
        if expected
        else None,
        source=table.text("source", needed=True),
    )


def _reminders(root: Table) -> Reminders:
    table = root.table("reminders", needed=False)
    if table is None:
        return Reminders()
    reminders = Reminders(before=_days(table, "before"), after=_days(table, "after"))
    table.close()
    return reminders


def _days(table: Table, key: str) -> tuple[int, ...]:
    value = table.take(key, list, "liste de nombres", needed=False) or []
    if any(type(item) is not int or not 1 <= item <= MAX_DAYS for item in value):
        table.fault(f"liste de jours attendue, chacun de 1 à {MAX_DAYS}.", key)
        return ()
    if len(set(value)) != len(value):
        table.fault("un jour y est deux fois.", key)
    return tuple(value)


def _grid(table: Table) -> Grid:
    grid = Grid(
        key=table.key(),
        label=table.text("label", needed=True),
        source=table.text("source", needed=True),
        scale=table.tables("scale", _mark, needed=True),
        criteria=table.tables("criteria", _criterion, needed=True),
    )
    values = [mark.value for mark in grid.scale]
    if len(values) == 1:
        table.fault("une échelle demande au moins deux notes.", "scale")
    if values != sorted(set(values)):
        table.fault("les notes vont de la plus basse à la plus haute, chacune une fois.", "scale")
    if repeated := repeated_in(criterion.key for criterion in grid.criteria):
        table.fault(f"critère « {repeated} » en double.", "criteria")
    return grid


def _mark(table: Table) -> Mark:
    return Mark(
        value=table.integer("value", low=0, high=100, needed=True) or 0,
        label=table.text("label", needed=True),
    )


def _criterion(table: Table) -> Criterion:
    return Criterion(
        key=table.key(), label=table.text("label", needed=True), help=table.text("help")
    )


def _synthesis(root: Table) -> SynthesisRule | None:
    table = root.table("synthesis", needed=False)
    if table is None:
        return None
    rule = SynthesisRule(
        by=table.enum("by", Body, "organisme", Body.ONE_STOP_DESK),
        transmitted_to=table.enum("transmitted_to", Body, "organisme", Body.ARS),
        label=table.text("label", needed=True),
        source=table.text("source", needed=True),
    )
    if rule.transmitted_to not in {Body.ARS, Body.ARS_BRANCH}:
        table.fault("la synthèse va à l’ARS ou à un de ses bureaux.", "transmitted_to")
    table.close()
    return rule


def _meeting(root: Table) -> Meeting | None:
    table = root.table("meeting", needed=False)
    if table is None:
        return None
    meeting = Meeting(
        label=table.text("label", needed=True),
        held_by=_enums(table, "held_by", Body, "organisme", needed=True),
        source=table.text("source", needed=True),
    )
    table.close()
    return meeting


def _financing(table: Table) -> Financing:
    euros = table.integer("amount", low=1, high=MAX_EUROS)
    aid = Financing(
        key=table.key(),
        label=table.text("label", needed=True),
        paid_by=table.enum("paid_by", Body, "organisme", Body.ARS),
        amount=None if euros is None else Decimal(euros),
        is_ceiling=table.boolean("is_ceiling"),
        valid_from=table.date("valid_from"),
        valid_to=table.date("valid_to") if "valid_to" in table.data else None,
        source=table.text("source", needed=True),
    )
    if aid.is_ceiling and aid.amount is None:
        table.fault("un plafond demande un montant (« amount »).", "is_ceiling")
    if aid.valid_to and aid.valid_to < (aid.valid_from or date.min):
        table.fault("la fin de validité précède son début.", "valid_to")
    return aid


def _check_whole(table: Table, circuit: Circuit, addressee: str) -> None:
    """What no single line shows: keys used twice, grids nobody fills in, a stage left out."""
    lines = circuit.consultations
    for key, word, keys in (
        ("consultations", "consultation", [line.key for line in lines]),
        ("grids", "grille", [grid.key for grid in circuit.grids]),
        ("financing", "aide", [aid.key for aid in circuit.financing]),
    ):
        if repeated := repeated_in(keys):
            table.fault(f"{word} « {repeated} » en double.", key)
    grids = {grid.key for grid in circuit.grids}
    for line in lines:
        if line.grid and line.grid not in grids:
            table.fault(f"« {line.key} » cite une grille inconnue « {line.grid} ».")
    for grid in sorted(grids - {line.grid for line in lines}):
        table.fault(f"aucune consultation ne remplit la grille « {grid} ».")
    if circuit.stages != tuple(range(1, len(circuit.stages) + 1)):
        table.fault("les étapes se suivent à partir de 1, sans en sauter.", "consultations")
    _check_ends(table, circuit, addressee)


def _check_ends(table: Table, circuit: Circuit, addressee: str) -> None:
    expected = {line.key for line in circuit.consultations if line.is_expected}
    after = circuit.decision.after
    if after and after not in expected:
        table.fault(f"la décision attend « {after} », dont aucun avis n’est demandé.")
    if circuit.synthesis:
        if not expected:
            table.fault("une synthèse demande au moins un avis attendu.")
        if circuit.synthesis.by != addressee:
            table.fault("la synthèse revient à l’organisme qui reçoit le dossier.")
    if not expected and circuit.reminders != Reminders():
        table.fault("des rappels sans avis attendu : personne ne les recevrait.")
