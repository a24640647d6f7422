"""The addresses of a letter."""

from django.urls import path

from letters.services import KIND
from letters.views import case, deposit, documents, opening, simulation, withdrawal
from writing.kinds import written
from writing.urls import patterns

app_name = "letters"
urlpatterns = [
    path("nouvelle/", opening.create, name="create"),
    path("<uuid:letter>/", case.detail, name="detail"),
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
    # Depositing
    path("<uuid:letter>/depot/", deposit.deposit, name="deposit"),
    path("<uuid:letter>/envoi-postal/", deposit.posting, name="posting"),
    path("<uuid:letter>/retrait/", withdrawal.withdraw, name="withdraw"),
    # Documents
    path("<uuid:letter>/apercu.pdf", documents.preview, name="preview"),
    path("<uuid:letter>/documents/<uuid:document>/", documents.download, name="document"),
    # Every step, the territory and the attachments.
    *patterns(written(KIND)),
]
