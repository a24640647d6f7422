"""What decisions rest on and what they say of remedies: one file of data for every region.

`decisions.toml` is maintained with its sources. A decision copies the sentences it uses when it
is proposed: a change of the file never reaches a decision already written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

from procedures.toml import ProcedureFilesError, Table, read_toml, repeated_in

DECISIONS_FILE: Final = Path(__file__).resolve().parent / "decisions.toml"
ANY_TRIBUNAL: Final = "tribunal administratif dans le ressort duquel l’agence a son siège"


class Outcome(StrEnum):
    """What a decision does with a case."""

    ACCEPT = "accept"
    REFUSE = "refuse"


class Nature(StrEnum):
    """A consideration in law, or in fact (CRPA, L. 211-5)."""

    LAW = "law"
    FACT = "fact"


@dataclass(frozen=True, kw_only=True)
class Reason:
    """A sentence a decision may rest on; `label` names it in the list it is chosen from."""

    key: str
    nature: Nature
    outcomes: tuple[Outcome, ...]
    label: str
    text: str
    source: str
    # Codes of the regions it is for; empty: all.
    regions: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DecisionParameters:
    """The file, read. Periods are in months."""

    remedy_months: int
    minister: str
    withdrawal_months: int
    tribunals: Mapping[str, str]
    reasons: tuple[Reason, ...]

    def tribunal(self, region_code: str) -> str:
        """The court to name, or the words that find it."""
        return self.tribunals.get(region_code, ANY_TRIBUNAL)

    def reasons_for(self, region_code: str, nature: Nature) -> list[Reason]:
        """What may be chosen in a region, in the order of the file."""
        return [
            reason
            for reason in self.reasons
            if reason.nature == nature and (not reason.regions or region_code in reason.regions)
        ]

    def reason(self, key: str) -> Reason | None:
        return next((reason for reason in self.reasons if reason.key == key), None)


@cache
def decision_parameters() -> DecisionParameters:
    """The parameters of the portal, read once. Raises ProcedureFilesError."""
    return load_parameters(DECISIONS_FILE)


def load_parameters(path: Path) -> DecisionParameters:
    """Read a file of parameters. Raises ProcedureFilesError with every fault, in French."""
    faults: list[str] = []
    root = Table(read_toml(path), file=path.name, path="", faults=faults)
    remedy_months, minister = _remedies(root)
    withdrawal = root.table("withdrawal")
    months = None
    if withdrawal:
        months = withdrawal.integer("months", low=1, high=24, needed=True)
        withdrawal.text("source", needed=True)
        withdrawal.close()
    tribunals = root.tables("tribunals", _tribunal)
    reasons = root.tables("reasons", _reason, needed=True)
    root.close()
    if repeated := repeated_in(reason.key for reason in reasons):
        faults.append(f"{path.name} : deux motifs ont la clé « {repeated} ».")
    if repeated := repeated_in(region for region, _ in tribunals):
        faults.append(f"{path.name} : la région « {repeated} » a deux tribunaux.")
    if faults:
        raise ProcedureFilesError(faults)
    return DecisionParameters(
        remedy_months=remedy_months,
        minister=minister,
        withdrawal_months=months or 0,
        tribunals=dict(tribunals),
        reasons=reasons,
    )


def _remedies(root: Table) -> tuple[int, str]:
    table = root.table("remedies")
    if table is None:
        return 0, ""
    months = table.integer("months", low=1, high=24, needed=True)
    minister = table.text("minister", needed=True)
    table.text("source", needed=True)
    table.close()
    return months or 0, minister


def _tribunal(table: Table) -> tuple[str, str]:
    table.text("source", needed=True)
    return table.text("region", needed=True), table.text("name", needed=True)


def _reason(table: Table) -> Reason:
    outcomes = table.texts("outcomes")
    if not outcomes or set(outcomes) - set(Outcome):
        table.fault("une ou deux issues attendues : accept, refuse.", "outcomes")
    text = table.text("text", needed=True)
    nature = table.enum("nature", Nature, "nature", Nature.FACT)
    opening = "Vu " if nature == Nature.LAW else "Considérant "
    if not text.startswith(opening):
        table.fault(f"la phrase commence par « {opening.strip()} ».", "text")
    return Reason(
        key=table.key(),
        nature=nature,
        outcomes=tuple(Outcome(one) for one in outcomes if one in set(Outcome)),
        label=table.text("label", needed=True),
        text=text.rstrip(" .;"),
        source=table.text("source", needed=True),
        regions=table.texts("regions"),
    )
