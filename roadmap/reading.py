"""The steps of each region, read from TOML files: what is wrong is said with its place."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, Final

from procedures.toml import ProcedureFilesError, Table, read_toml, repeated_in
from roadmap.deriving import DERIVATIONS
from roadmap.pages import PAGES

FOLDER: Final = Path(__file__).resolve().parent / "steps"
NATIONAL: Final = "national.toml"
HELPERS: Final = frozenset({"ars", "ars_branch", "one_stop_desk", "urps", "cpam", "msa"})
_TEXTS: Final = ("phase", "title", "what", "why", "helper", "helps")
_OPTIONAL: Final = ("derived", "page", "link", "link_label")


class Phase(StrEnum):
    """The five times of a project (memo of the project lead)."""

    PREPROJECT = "preproject"
    LETTER = "letter"
    PROJECT = "project"
    CONTRACT = "contract"
    LIFE = "life"


PHASES: Final[Mapping[Phase, str]] = {
    Phase.PREPROJECT: "Avant-projet",
    Phase.LETTER: "Lettre d’intention",
    Phase.PROJECT: "Projet de santé",
    Phase.CONTRACT: "Contrat (ACI)",
    Phase.LIFE: "Mise en œuvre",
}


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do. `helper` is a kind of organisation, `helps` what it brings.

    `derived` names what the portal knows of it (`roadmap.deriving`), `page` where it is done
    (`roadmap.pages`), `link` a document elsewhere.
    """

    key: str
    phase: Phase
    title: str
    what: str
    why: str
    helper: str
    helps: str
    derived: str = ""
    page: str = ""
    link: str = ""
    link_label: str = ""


@dataclass(frozen=True)
class Roadmap:
    """The steps of a region, in order. `region_code` is empty for the default one."""

    region_code: str
    label: str
    steps: tuple[Step, ...]

    def step(self, key: str) -> Step | None:
        return next((step for step in self.steps if step.key == key), None)


def read_folder(folder: Path = FOLDER) -> dict[str, Roadmap]:
    """Every roadmap by region, the default under an empty code.

    Raises ProcedureFilesError with every fault of every file.
    """
    faults: list[str] = []
    found: dict[str, Roadmap] = {}
    national = _whole(_table(folder / NATIONAL, faults))
    found[""] = national
    for path in sorted(folder.glob("*.toml")):
        if path.name == NATIONAL:
            continue
        root = _table(path, faults)
        if root is None:
            continue
        changed = _changed(root, national)
        if changed.region_code in found:
            root.fault("cette région a déjà un fichier.", "region_code")
        found[changed.region_code] = changed
        root.close()
    if faults:
        raise ProcedureFilesError(faults)
    return found


def _table(path: Path, faults: list[str]) -> Table | None:
    try:
        return Table(read_toml(path), file=path.name, path="", faults=faults)
    except ProcedureFilesError as error:
        faults += error.faults
    except FileNotFoundError:
        faults.append(f"{path.name} : ce fichier manque.")
    return None


def _whole(root: Table | None) -> Roadmap:
    if root is None:
        return Roadmap("", "", ())
    code, label = root.text("region_code"), root.text("label", needed=True)
    if code:
        root.fault("le fichier commun à toutes les régions n’a pas de code.", "region_code")
    read = root.tables("steps", _read_whole, needed=True)
    steps = tuple(step for step in read if step is not None)
    if repeated := repeated_in(step.key for step in steps):
        root.fault(f"l’étape « {repeated} » y est deux fois.", "steps")
    _in_order(root, steps)
    root.close()
    return Roadmap("", label, steps)


def _read_whole(table: Table) -> Step | None:
    values = {"key": table.key(), **{name: table.text(name, needed=True) for name in _TEXTS}}
    values |= {name: table.text(name) for name in _OPTIONAL}
    return _step(table, values)


def _step(table: Table, values: dict[str, str]) -> Step | None:
    if values["phase"] and values["phase"] not in set(Phase):
        table.fault(f"phase inconnue (connues : {', '.join(Phase)}).", "phase")
        return None
    if values["helper"] and values["helper"] not in HELPERS:
        table.fault(f"organisme inconnu (connus : {', '.join(sorted(HELPERS))}).", "helper")
    for name, known in (("derived", DERIVATIONS), ("page", PAGES)):
        if values[name] and values[name] not in known:
            table.fault(f"« {values[name]} » est inconnu (connus : {', '.join(known)}).", name)
    if values["link"] and not values["link"].startswith("https://"):
        table.fault("une adresse en « https:// » est attendue.", "link")
    if bool(values["link"]) != bool(values["link_label"]):
        table.fault("« link » et « link_label » vont ensemble.", "link")
    if not all(values[name] for name in _TEXTS):
        return None
    return Step(**{**values, "phase": Phase(values["phase"])})  # type: ignore[arg-type]


def _changed(root: Table, national: Roadmap) -> Roadmap:
    """The default steps with what the region changes, adds and takes away."""
    code = root.text("region_code", needed=True)
    if code and not re.fullmatch(r"\d{2}", code):
        root.fault(f"« {code} » n’est pas un code INSEE de région.", "region_code")
    label = root.text("label", needed=True)
    steps = {step.key: step for step in national.steps}
    for key in root.texts("without"):
        if steps.pop(key, None) is None:
            root.fault(f"« {key} » n’est pas une étape commune.", "without")
    order = list(steps)

    def read(table: Table) -> None:
        key, after = table.key(), table.text("after")
        known = steps.get(key)
        if known is None:
            values = {name: table.text(name, needed=True) for name in _TEXTS}
            values |= {name: table.text(name) for name in _OPTIONAL}
            made = _step(table, {"key": key, **values})
            if after not in order:
                table.fault("dites après quelle étape vient celle-ci.", "after")
            elif made is not None:
                order.insert(order.index(after) + 1, key)
                steps[key] = made
            return
        changes = {name: table.text(name) for name in (*_TEXTS, *_OPTIONAL)}
        values = {
            name: changes[name] or str(getattr(known, name)) for name in (*_TEXTS, *_OPTIONAL)
        }
        made = _step(table, {"key": key, **values})
        if after:
            table.fault("une étape commune garde sa place.", "after")
        if made is not None:
            steps[key] = replace(made)

    root.tables("steps", read)
    changed = Roadmap(code, label, tuple(steps[key] for key in order))
    _in_order(root, changed.steps)
    return changed


def _in_order(root: Table, steps: Iterable[Step]) -> None:
    ranks = [list(Phase).index(step.phase) for step in steps]
    if ranks != sorted(ranks):
        root.fault("les étapes d’une phase ne se suivent pas.", "steps")


@cache
def roadmaps() -> dict[str, Roadmap]:
    """Those the portal comes with, read once."""
    return read_folder()


def roadmap_of(region_code: str) -> Roadmap:
    """The region's own, else the one of all regions."""
    known: dict[str, Any] = roadmaps()
    return known.get(region_code) or known[""]
