"""The files that prove what a CPTS declares: kept only when no patient data shows in them."""

from dataclasses import dataclass
from typing import Final

from django.core.files.uploadedfile import UploadedFile

from accounts.models import User
from contracts.dialogue.patient_data import CSV, check
from documents.models import Attachment
from documents.services import FileRefusedError, read_content_type, store_attachment
from workflow.services import ActionRefusedError

CONTENT_TYPES: Final = frozenset(
    {
        "application/pdf",
        "image/jpeg",
        "image/png",
        CSV,
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
    }
)
EXTENSIONS: Final = ".pdf,.jpg,.jpeg,.png,.csv,.docx,.xlsx,.odt,.ods"
ACCEPT_LABEL: Final = "PDF, JPEG, PNG, CSV, Word, Excel ou OpenDocument"


@dataclass(frozen=True)
class Proof:
    """A file that was kept. `confirmed`: what was seen in it and the person answered for; empty
    when nothing was. Not `is_read`: the portal could not look for patient data in it."""

    attachment: Attachment
    confirmed: str
    is_read: bool


def keep_proof(file: UploadedFile, *, by: User, is_confirmed: bool) -> Proof:
    """Keep a file once it has been looked into.

    Raises PatientDataError for what shows patient data, ActionRefusedError for a file that is
    empty, too heavy or of another nature.
    """
    try:
        kind = read_content_type(file, content_types=CONTENT_TYPES, accept_label=ACCEPT_LABEL)
        reading = check(file.name or "fichier", file.read(), kind, is_confirmed=is_confirmed)
        file.seek(0)
        attachment = store_attachment(
            file, content_types=CONTENT_TYPES, accept_label=ACCEPT_LABEL, user=by
        )
    except FileRefusedError as refused:
        raise ActionRefusedError(refused.message) from refused
    seen = " ; ".join(one.sentence for one in reading.findings)
    return Proof(attachment, seen[:300], reading.is_read)
