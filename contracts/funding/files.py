"""Lists that people take away."""

from typing import Final

from django.http import Http404, HttpResponse

from cpts_portal.spreadsheets import csv_bytes, xlsx_bytes

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def sheet_response(
    form: str, name: str, headings: list[str], lines: list[list[str]]
) -> HttpResponse:
    """The lines as a file to keep, `form` being « csv » or « xlsx ». Raises Http404 for another."""
    match form:
        case "csv":
            content, kind = csv_bytes(headings, lines), "text/csv; charset=utf-8"
        case "xlsx":
            content, kind = xlsx_bytes("Feuille", headings, lines), _XLSX
        case _:
            raise Http404
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    response["Cache-Control"] = "private, no-store"
    return response
