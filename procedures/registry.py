"""The procedures in use. Loaded once, when Django starts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from django.utils import timezone

from procedures.loader import (
    PROCEDURE_WORDS,
    ProcedureFilesError,
    check_together,
    read_procedure,
)
from procedures.schema import Procedure, ProcedureKind
from procedures.sources import read_sources

REGIONS_FOLDER: Final = Path(__file__).resolve().parent / "regions"
PUBLISHED_FILE: Final = "PUBLISHED.toml"


class UnknownProcedureError(LookupError):
    """No file describes this procedure, or none is in force yet."""


@dataclass(frozen=True)
class Registry:
    """Every version of every procedure, by key and version."""

    procedures: tuple[Procedure, ...]

    def get(self, key: str, version: int) -> Procedure:
        for procedure in self.procedures:
            if (procedure.key, procedure.version) == (key, version):
                return procedure
        raise UnknownProcedureError(f"La procédure « {key} », version {version}, n’existe pas.")

    def current(self, key: str, on: date) -> Procedure:
        versions = [p for p in self.procedures if p.key == key and p.valid_from <= on]
        if not versions:
            raise UnknownProcedureError(f"La procédure « {key} » n’existe pas au {on:%d/%m/%Y}.")
        return max(versions, key=lambda procedure: procedure.version)

    def in_force(
        self, on: date, kind: ProcedureKind = ProcedureKind.LETTER_OF_INTENT
    ) -> list[Procedure]:
        """Those of a kind that have begun, each in its version of that day, in order of key."""
        begun = {p.key for p in self.procedures if p.kind == kind and p.valid_from <= on}
        return [self.current(key, on) for key in sorted(begun)]

    def for_region(
        self,
        region_code: str,
        on: date,
        kind: ProcedureKind = ProcedureKind.LETTER_OF_INTENT,
    ) -> Procedure:
        """The region's own procedure once it has begun, the national one until then."""
        begun = {p.region_code: p for p in self.in_force(on, kind)}
        found = begun.get(region_code) or begun.get("")
        if found is None:
            raise UnknownProcedureError(
                f"Aucune procédure {PROCEDURE_WORDS[kind]} n’existe au {on:%d/%m/%Y}."
            )
        return found


def procedure_files(folder: Path) -> list[Path]:
    """The files of the procedures, in the order of their names."""
    return sorted(path for path in folder.glob("*.toml") if path.name != PUBLISHED_FILE)


def load(folder: Path = REGIONS_FOLDER) -> Registry:
    """Read every file of the folder. Raises ProcedureFilesError with all their faults."""
    sources = read_sources()
    faults: list[str] = []
    procedures: list[Procedure] = []
    for path in procedure_files(folder):
        try:
            procedures.append(read_procedure(path, sources))
        except ProcedureFilesError as error:
            faults += error.faults
    if not faults:
        faults = check_together(procedures)
    if faults:
        raise ProcedureFilesError(faults)
    return Registry(tuple(sorted(procedures, key=lambda p: (p.key, p.version))))


@cache
def registry() -> Registry:
    """The registry of this process. Raises ProcedureFilesError when a file is wrong."""
    return load(REGIONS_FOLDER)


def get(key: str, version: int) -> Procedure:
    """One version of a procedure: what a case keeps. Raises UnknownProcedureError."""
    return registry().get(key, version)


def current(key: str, on: date | None = None) -> Procedure:
    """The version in force on a day (today by default). Raises UnknownProcedureError."""
    return registry().current(key, on or timezone.localdate())


def for_region(
    region_code: str,
    on: date | None = None,
    *,
    kind: ProcedureKind = ProcedureKind.LETTER_OF_INTENT,
) -> Procedure:
    """The procedure of a region (INSEE code), or the national one where there is none.

    Raises UnknownProcedureError when no procedure of this kind has begun.
    """
    return registry().for_region(region_code, on or timezone.localdate(), kind)


def in_force(
    on: date | None = None, *, kind: ProcedureKind = ProcedureKind.LETTER_OF_INTENT
) -> list[Procedure]:
    """What begins a case of a kind on a day (today by default), each in one version."""
    return registry().in_force(on or timezone.localdate(), kind)


def all_procedures(kind: ProcedureKind | None = None) -> Iterable[Procedure]:
    """Every version of every procedure, of one kind or of all, by key then version."""
    return [p for p in registry().procedures if kind in {None, p.kind}]
