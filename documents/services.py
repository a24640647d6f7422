"""Receiving files, and issuing official documents."""

import hashlib
import zipfile
import zlib
from collections.abc import Collection
from pathlib import PurePath
from typing import IO, cast

import filetype
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile

from accounts.models import User
from documents.models import Attachment, OfficialDocument

MAX_SIZE = 10 * 1024 * 1024


class FileRefusedError(ValueError):
    """The file was not kept; `message` says why and what to do, in French."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


def read_content_type(
    file: UploadedFile, *, content_types: Collection[str], accept_label: str
) -> str:
    """The type of a file from its content, never from its name.

    Raises FileRefusedError when it is empty, over 10 MB, or of a type not in `content_types`;
    `accept_label` says in words what is accepted.
    """
    name = PurePath(file.name or "fichier").name
    if not file.size:
        raise FileRefusedError(f"« {name} » est vide. Choisissez un autre fichier.")
    if file.size > MAX_SIZE:
        raise too_large(name)
    found = _sniff(file)
    if found not in content_types:
        raise FileRefusedError(
            f"« {name} » n’est pas accepté ici : d’après son contenu, ce n’est pas un fichier "
            f"{accept_label}. Enregistrez-le dans l’un de ces formats puis recommencez."
        )
    return found


def _sniff(file: UploadedFile) -> str:
    """The type a file's bytes say, or an empty text."""
    head = file.read(8192)
    file.seek(0)
    if head.lstrip(b"\xef\xbb\xbf\r\n\t ").startswith(b"%PDF-"):
        return "application/pdf"
    if head.startswith(b"PK\x03\x04"):
        found = _office_type(file)
        file.seek(0)
        return found
    return filetype.guess_mime(head) or ("text/csv" if _is_text(file, head) else "")


def _is_text(file: UploadedFile, head: bytes) -> bool:
    """Whether a file named as a table of text is one: nothing in its bytes tells it from prose."""
    if not (file.name or "").lower().endswith((".csv", ".txt")):
        return False
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return True
    return not any(byte < 9 or 13 < byte < 32 for byte in head)


def _office_type(file: UploadedFile) -> str:
    """Which office document a zip archive is, from its table of contents.

    The order of its entries says nothing: some office suites and every spreadsheet made by a
    program put the telling one last. A document that carries macros is none of these.
    """
    try:
        with zipfile.ZipFile(cast(IO[bytes], file)) as archive:
            names = set(archive.namelist())
            if any(name.endswith("vbaProject.bin") for name in names):
                return ""
            if "mimetype" in names and archive.getinfo("mimetype").file_size < 100:
                return archive.read("mimetype").decode("ascii", "replace").strip()
    except (
        zipfile.BadZipFile,
        zlib.error,
        NotImplementedError,
        RuntimeError,
        ValueError,
        EOFError,
    ):
        return ""
    office = "application/vnd.openxmlformats-officedocument"
    if "[Content_Types].xml" not in names:
        return ""
    if "word/document.xml" in names:
        return f"{office}.wordprocessingml.document"
    return f"{office}.spreadsheetml.sheet" if "xl/workbook.xml" in names else ""


def too_large(name: str) -> FileRefusedError:
    """The refusal of a file over the limit, whoever noticed it."""
    return FileRefusedError(
        f"« {_short_name(name)} » pèse plus de 10 Mo. Réduisez-le (numérisation moins fine, "
        "plusieurs fichiers) puis recommencez."
    )


def store_attachment(
    file: UploadedFile, *, content_types: Collection[str], accept_label: str, user: User
) -> Attachment:
    """Keep an uploaded file once its size and content have been checked.

    Raises FileRefusedError. The virus scan takes its place on `Attachment.scan`.
    """
    content_type = read_content_type(file, content_types=content_types, accept_label=accept_label)
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    attachment = Attachment(
        name=_short_name(file.name or "fichier"),
        content_type=content_type,
        size=file.size or 0,
        sha256=digest.hexdigest(),
        uploaded_by=user,
    )
    attachment.file.save(str(attachment.pk), file, save=False)
    attachment.save()
    return attachment


def copy_attachment(kept: Attachment) -> Attachment:
    """The same bytes as a file of its own, for another case that holds it too."""
    copy = Attachment(
        name=kept.name,
        content_type=kept.content_type,
        size=kept.size,
        sha256=kept.sha256,
        scan=kept.scan,
        uploaded_by_id=kept.uploaded_by_id,
        uploaded_at=kept.uploaded_at,
    )
    with kept.file.open("rb") as content:
        copy.file.save(str(copy.pk), content, save=False)
    copy.save()
    return copy


def _short_name(name: str) -> str:
    path = PurePath(name.replace("\\", "/"))
    suffix = path.suffix[:10]
    stem = "".join(c for c in path.stem if c.isprintable())
    return f"{stem[: 150 - len(suffix)]}{suffix}"


def issue_document(*, kind: str, number: str, title: str, pdf: bytes) -> OfficialDocument:
    """Keep an official document: its bytes, their hash and its number never change again."""
    document = OfficialDocument(
        kind=kind,
        number=number,
        title=title,
        size=len(pdf),
        sha256=hashlib.sha256(pdf).hexdigest(),
    )
    document.file.save("document.pdf", ContentFile(pdf), save=False)
    document.save()
    return document
