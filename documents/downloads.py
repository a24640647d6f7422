"""Sending a stored attachment to a person whose right to read it was checked."""

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from documents.models import Attachment


def send_attachment(request: HttpRequest, file: Attachment) -> HttpResponse | FileResponse:
    """The file as it was uploaded, never opened by the browser as a page of ours.

    Raises Http404 when its bytes are gone, PermissionDenied when a virus was found in it.
    """
    if file.scan == Attachment.Scan.INFECTED:
        raise PermissionDenied(
            "Un virus a été trouvé dans ce fichier : il ne peut pas être ouvert. Demandez-en une "
            "copie saine à la personne qui l’a joint."
        )
    etag = f'"{file.sha256}"'
    if request.headers.get("If-None-Match") == etag:
        response: HttpResponse | FileResponse = HttpResponse(status=304)
    else:
        try:
            opened = file.file.open("rb")
        except FileNotFoundError as gone:
            raise Http404("Ce fichier n’est plus dans l’espace de stockage.") from gone
        response = FileResponse(
            opened, as_attachment=True, filename=file.name, content_type=file.content_type
        )
        response["X-Content-Type-Options"] = "nosniff"
    response["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    return response
