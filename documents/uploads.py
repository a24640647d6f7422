"""What a form upload may weigh: a file over the limit is dropped while it is being received."""

from typing import Any

from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from documents.services import MAX_SIZE


class SizeLimitHandler(FileUploadHandler):
    """First of FILE_UPLOAD_HANDLERS: stops keeping a file once it weighs too much.

    The rest of the request is still read, so that the person gets a page that says so
    instead of a broken connection. The names of dropped files are on the request.
    """

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        if start + len(raw_data) > MAX_SIZE:
            dropped_files(self.request).append(str(self.file_name))
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> Any:  # noqa: ARG002 - the next handlers keep it
        return None


def dropped_files(request: HttpRequest | None) -> list[str]:
    """Names of the files of this request that were over the limit."""
    return request.__dict__.setdefault("_dropped_files", []) if request else []
