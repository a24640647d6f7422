"""The addresses of a letter."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

app_name = "letters"


def view(name: str) -> Callable[..., HttpResponse]:
    """`module.function` of letters.views; 404 until its module is there."""
    module, function = name.split(".")
    if find_spec(f"letters.views.{module}") is None:
        return _not_there_yet
    return getattr(import_module(f"letters.views.{module}"), function)


def _not_there_yet(_request: HttpRequest, **_kwargs: object) -> HttpResponse:
    raise Http404


urlpatterns = [
    path("nouvelle/", view("writing.create"), name="create"),
    path("<uuid:letter>/", view("case.detail"), name="detail"),
    # Writing
    path("<uuid:letter>/etapes/<slug:section>/", view("writing.step"), name="step"),
    path("<uuid:letter>/champs/<slug:field>/", view("writing.autosave"), name="autosave"),
    path(
        "<uuid:letter>/champs/<slug:field>/import/",
        view("writing.table_import"),
        name="table-import",
    ),
    path(
        "<uuid:letter>/champs/<slug:field>/export.<slug:extension>",
        view("writing.table_export"),
        name="table-export",
    ),
    path("<uuid:letter>/a-completer/", view("writing.missing"), name="missing"),
    # Territory
    path("<uuid:letter>/territoire/", view("territory.edit"), name="territory"),
    path(
        "<uuid:letter>/territoire/<slug:action>/", view("territory.change"), name="territory-change"
    ),
    # Attachments
    path("<uuid:letter>/pieces/", view("attachments.edit"), name="attachments"),
    path(
        "<uuid:letter>/pieces/<slug:slot>/ajouter/", view("attachments.add"), name="attachment-add"
    ),
    path(
        "<uuid:letter>/pieces/<slug:slot>/plus-tard/",
        view("attachments.defer"),
        name="attachment-defer",
    ),
    path(
        "<uuid:letter>/fichiers/<uuid:attachment>/", view("attachments.download"), name="attachment"
    ),
    path(
        "<uuid:letter>/fichiers/<uuid:attachment>/retirer/",
        view("attachments.remove"),
        name="attachment-remove",
    ),
    # Depositing
    path("<uuid:letter>/depot/", view("deposit.deposit"), name="deposit"),
    path("<uuid:letter>/envoi-postal/", view("deposit.posting"), name="posting"),
    # Documents
    path("<uuid:letter>/apercu.pdf", view("documents.preview"), name="preview"),
    path("<uuid:letter>/documents/<uuid:document>/", view("documents.download"), name="document"),
]
