"""The addresses of a letter."""

from django.urls import path

from letters.views import (
    attachments,
    case,
    deposit,
    documents,
    simulation,
    territory,
    withdrawal,
    writing,
    years,
)

app_name = "letters"
urlpatterns = [
    path("nouvelle/", writing.create, name="create"),
    path("<uuid:letter>/", case.detail, name="detail"),
    # Writing
    path("<uuid:letter>/etapes/<slug:section>/", writing.step, name="step"),
    path("<uuid:letter>/champs/<slug:field>/", writing.autosave, name="autosave"),
    path(
        "<uuid:letter>/champs/<slug:field>/import/",
        writing.table_import,
        name="table-import",
    ),
    path(
        "<uuid:letter>/champs/<slug:field>/export.<slug:extension>",
        writing.table_export,
        name="table-export",
    ),
    path("<uuid:letter>/a-completer/", writing.missing, name="missing"),
    # Territory
    path("<uuid:letter>/territoire/", territory.edit, name="territory"),
    path("<uuid:letter>/territoire/communes.json", territory.codes, name="territory-codes"),
    path("<uuid:letter>/territoire/verifications/", territory.checks, name="territory-checks"),
    path("<uuid:letter>/territoire/nouvelle-annee/", years.year, name="territory-year"),
    # Simulator
    path("<uuid:letter>/territoire/simulation/", simulation.overview, name="simulation"),
    path("<uuid:letter>/territoire/simulation/nouvelle/", simulation.create, name="variant-create"),
    path("<uuid:letter>/territoire/simulation/<int:variant>/", simulation.variant, name="variant"),
    path(
        "<uuid:letter>/territoire/simulation/<int:variant>/communes.json",
        simulation.codes,
        name="variant-codes",
    ),
    path(
        "<uuid:letter>/territoire/simulation/<int:variant>/renommer/",
        simulation.rename,
        name="variant-rename",
    ),
    path(
        "<uuid:letter>/territoire/simulation/<int:variant>/dupliquer/",
        simulation.duplicate,
        name="variant-duplicate",
    ),
    path(
        "<uuid:letter>/territoire/simulation/<int:variant>/supprimer/",
        simulation.delete,
        name="variant-delete",
    ),
    path(
        "<uuid:letter>/territoire/simulation/<int:variant>/adopter/",
        simulation.adopt,
        name="variant-adopt",
    ),
    path(
        "<uuid:letter>/territoire/simulation/<int:variant>/<slug:action>/",
        simulation.change,
        name="variant-change",
    ),
    path("<uuid:letter>/territoire/<slug:action>/", territory.change, name="territory-change"),
    # Attachments
    path("<uuid:letter>/pieces/", attachments.edit, name="attachments"),
    path("<uuid:letter>/pieces/<slug:slot>/ajouter/", attachments.add, name="attachment-add"),
    path(
        "<uuid:letter>/pieces/<slug:slot>/plus-tard/",
        attachments.defer,
        name="attachment-defer",
    ),
    path("<uuid:letter>/fichiers/<uuid:attachment>/", attachments.download, name="attachment"),
    path(
        "<uuid:letter>/fichiers/<uuid:attachment>/retirer/",
        attachments.remove,
        name="attachment-remove",
    ),
    # Depositing
    path("<uuid:letter>/depot/", deposit.deposit, name="deposit"),
    path("<uuid:letter>/envoi-postal/", deposit.posting, name="posting"),
    path("<uuid:letter>/retrait/", withdrawal.withdraw, name="withdraw"),
    # Documents
    path("<uuid:letter>/apercu.pdf", documents.preview, name="preview"),
    path("<uuid:letter>/documents/<uuid:document>/", documents.download, name="document"),
]
