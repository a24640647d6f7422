"""The addresses of a written case, the same for every kind."""

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from writing.kinds import WrittenKind
from writing.views import (
    attachments,
    case,
    deposit,
    documents,
    steps,
    territory,
    withdrawal,
    years,
)


def patterns(kind: WrittenKind) -> list[URLPattern]:
    """What the application of a kind includes under its own namespace.

    Addresses of its own that begin with `territoire/` come before these.
    """

    def page(route: str, view: Callable[..., Any], name: str) -> URLPattern:
        return path(f"<uuid:public_id>/{route}", view, {"kind": kind}, name=name)

    return [
        page("", case.detail, "detail"),
        # Writing
        page("etapes/<slug:section>/", steps.step, "step"),
        page("champs/<slug:field>/", steps.autosave, "autosave"),
        page("champs/<slug:field>/import/", steps.table_import, "table-import"),
        page("champs/<slug:field>/export.<slug:extension>", steps.table_export, "table-export"),
        page("a-completer/", steps.missing, "missing"),
        # Territory
        page("territoire/", territory.edit, "territory"),
        page("territoire/communes.json", territory.codes, "territory-codes"),
        page("territoire/verifications/", territory.checks, "territory-checks"),
        page("territoire/nouvelle-annee/", years.year, "territory-year"),
        page("territoire/<slug:action>/", territory.change, "territory-change"),
        # Attachments
        page("pieces/", attachments.edit, "attachments"),
        page("pieces/<slug:slot>/ajouter/", attachments.add, "attachment-add"),
        page("pieces/<slug:slot>/plus-tard/", attachments.defer, "attachment-defer"),
        page("fichiers/<uuid:attachment>/", attachments.download, "attachment"),
        page("fichiers/<uuid:attachment>/retirer/", attachments.remove, "attachment-remove"),
        # Depositing
        page("depot/", deposit.deposit, "deposit"),
        page("envoi-postal/", deposit.posting, "posting"),
        page("retrait/", withdrawal.withdraw, "withdraw"),
        # Documents
        page("apercu.pdf", documents.preview, "preview"),
        page("documents/<uuid:document>/", documents.download, "document"),
    ]
