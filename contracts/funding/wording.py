"""A schedule in words: what each line pays, and how it was worked out."""

from collections.abc import Mapping
from typing import Final

from contracts.funding.ratebook import mission_labels
from contracts.funding.schedule import Line, Step
from cpts_portal.words import NBSP, euros
from procedures.rates import Share

_RULES: Final[Mapping[Step, str]] = {
    Step.FULL: "Fonctionnement de l’année, versé en entier",
    Step.ADVANCE: f"Avance de 75{NBSP}% de la part fixe",
    Step.BALANCE: "Solde de la part fixe",
    Step.RESULTS: "Part variable, selon les résultats",
    Step.CRISIS: "Part de crise, reconnue par l’ARS",
}
_SHARES: Final[Mapping[Share, str]] = {
    Share.OPERATING: "du fonctionnement",
    Share.FIXED: "de la part fixe",
    Share.VARIABLE: "de la part variable",
    Share.CRISIS: "de la part de crise",
}


def rule_of(line: Line) -> str:
    """« Avance de 75 % de la part fixe »; « … : au plus » while results are awaited."""
    if line.step == Step.REGULARISATION:
        way = "à reprendre" if line.amount < 0 else "à verser"
        return f"Régularisation {_SHARES[line.share]}, {way}"
    said = _RULES[line.step]
    return f"{said}{NBSP}: au plus" if line.is_ceiling else said


def working_of(line: Line) -> str:
    """« 17 500 € par an × 182/366 jours »: the rates and days of the right it pays a part of."""
    said = [
        f"{euros(one.rate)} par an"
        + ("" if one.days == one.days_in_year else f" × {one.days}/{one.days_in_year}{NBSP}jours")
        for one in line.pieces
    ]
    return " + ".join(said)


def mission_name(key: str) -> str:
    """The mission by its key; « Fonctionnement » for the operating grant."""
    return mission_labels().get(key, key)
