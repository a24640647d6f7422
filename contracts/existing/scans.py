"""Scanned contracts, sent in bulk and put beside the contracts that were taken over."""

import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile
from django.db import transaction

from accounts.models import User
from contracts import rules
from contracts.models import Contract, ContractScan, ExistingImport, ExistingRow
from cpts_portal.mojibake import mend
from cpts_portal.spreadsheets import plain
from documents.services import MAX_SIZE, FileRefusedError, store_attachment, too_large

MOST_FILES: Final = 300
MOST_UNZIPPED: Final = 300 * 1024 * 1024
ACCEPTED: Final = frozenset({"application/pdf", "image/jpeg", "image/png"})
ACCEPT_LABEL: Final = "PDF, JPEG ou PNG"
_ZIP_START: Final = b"PK\x03\x04"


@dataclass(frozen=True)
class Outcome:
    """What became of a file: put beside a contract, or why it was not."""

    name: str
    contract: Contract | None = None
    refusal: str = ""


def attach(source: ExistingImport, files: Iterable[UploadedFile], *, by: User) -> list[Outcome]:
    """Put each file beside the contract whose row names it, in the order they came.

    A file is known by the name its row gives, with or without its ending, else by the RNA, SIRET
    or reference in its own name. One that was put there already is put there once. Raises
    PermissionDenied.
    """
    region = rules.region_imported_by(by)
    if region is None or (region and source.region_id != region):
        raise PermissionDenied
    index = _index(source)
    return [_attach(name, file, refusal, index, by) for name, file, refusal in _opened(files)]


def _index(source: ExistingImport) -> dict[str, ExistingRow | None]:
    """Each name a file may have, and its row; None where two rows claim the name."""
    found: dict[str, ExistingRow | None] = {}
    rows = source.rows.filter(status=ExistingRow.Status.DONE).select_related("contract")
    for row in rows.defer("cells"):
        names = {plain(row.values.get("file", "")), plain(_stem(row.values.get("file", "")))}
        names |= {plain(row.values.get(key, "")) for key in ("rna", "siret")}
        names.add(plain(row.contract.reference or "") if row.contract else "")
        for name in names - {""}:
            found[name] = None if name in found else row
    return found


def _stem(name: str) -> str:
    return re.sub(r"\.[A-Za-z0-9]{2,4}$", "", name)


def _row_of(name: str, index: Mapping[str, ExistingRow | None]) -> tuple[ExistingRow | None, str]:
    base = PurePath(name.replace("\\", "/")).name
    for key in (plain(base), plain(_stem(base))):
        if key in index:
            row = index[key]
            return row, "" if row else (
                "Deux lignes de la liste donnent ce nom : renommez le fichier d’après le RNA ou "
                "la référence du contrat."
            )
    inside = [
        row for key, row in index.items()
        if row and len(key) >= 9 and key.replace(" ", "") in plain(base).replace(" ", "")
    ]  # fmt: skip
    if len({row.pk for row in inside}) == 1:
        return inside[0], ""
    return None, (
        "Aucun contrat repris ne donne ce nom de fichier : renommez-le comme dans la liste, ou "
        "d’après le RNA ou la référence du contrat."
    )


def _opened(files: Iterable[UploadedFile]) -> Iterator[tuple[str, UploadedFile | None, str]]:
    """Each file, those of an archive one by one: its name, itself, or why it cannot be read."""
    left = MOST_FILES
    for file in files:
        name = mend(file.name or "fichier")
        head = file.read(4)
        file.seek(0)
        if head != _ZIP_START:
            left -= 1
            yield (name, file, "") if left >= 0 else (name, None, _TOO_MANY)
            continue
        for one in _unzipped(name, file):
            left -= 1
            yield one if left >= 0 else (one[0], None, _TOO_MANY)


_TOO_MANY: Final = f"Plus de {MOST_FILES} fichiers à la fois : envoyez celui-ci ensuite."


def _unzipped(
    archive_name: str, file: UploadedFile
) -> Iterator[tuple[str, UploadedFile | None, str]]:
    try:
        with zipfile.ZipFile(file) as archive:
            inside = [one for one in archive.infolist() if not _is_noise(one)]
            if sum(one.file_size for one in inside) > MOST_UNZIPPED:
                yield (
                    archive_name,
                    None,
                    ("Cette archive est trop lourde une fois ouverte : envoyez-la en plusieurs."),
                )
                return
            for one in inside[: MOST_FILES + 1]:
                name = mend(PurePath(one.filename.replace("\\", "/")).name)
                if one.file_size > MAX_SIZE:
                    yield name, None, too_large(name).message
                    continue
                with archive.open(one) as content:
                    # What an archive says of the size of its files may be false.
                    read = content.read(MAX_SIZE + 1)
                yield name, SimpleUploadedFile(name, read), ""
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError):
        yield archive_name, None, "Cette archive est abîmée : refaites-la, puis envoyez-la."
    except (RuntimeError, NotImplementedError):
        yield (
            archive_name,
            None,
            (
                "Cette archive est protégée par un mot de passe, ou d’un format inconnu : "
                "refaites-la sans mot de passe."
            ),
        )


def _is_noise(one: zipfile.ZipInfo) -> bool:
    name = PurePath(one.filename).name
    return one.is_dir() or name.startswith(".") or one.filename.startswith("__MACOSX/")


def _attach(
    name: str,
    file: UploadedFile | None,
    refusal: str,
    index: Mapping[str, ExistingRow | None],
    by: User,
) -> Outcome:
    if file is None:
        return Outcome(name, refusal=refusal)
    row, refusal = _row_of(name, index)
    if row is None or row.contract is None:
        return Outcome(name, refusal=refusal)
    try:
        with transaction.atomic():
            contract = Contract.objects.select_for_update(of=("self",)).get(pk=row.contract_id or 0)
            kept = store_attachment(
                file, content_types=ACCEPTED, accept_label=ACCEPT_LABEL, user=by
            )
            if contract.scans.filter(attachment__sha256=kept.sha256).exists():
                kept.file.delete(save=False)
                kept.delete()
                return Outcome(name, refusal="Ce fichier est déjà joint à ce contrat.")
            ContractScan.objects.create(contract=contract, attachment=kept, added_by=by)
    except FileRefusedError as refused:
        return Outcome(name, refusal=refused.message)
    return Outcome(name, contract)


def expected(source: ExistingImport) -> Any:
    """The rows taken over that name a file which nobody has sent yet."""
    rows = source.rows.filter(status=ExistingRow.Status.DONE).exclude(values__file="")
    return rows.filter(contract__scans=None).select_related("contract").order_by("number")
