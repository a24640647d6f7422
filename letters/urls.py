"""The addresses of a letter."""

from django.urls import path

from letters.services import KIND
from letters.views import opening, simulation
from writing.kinds import written
from writing.urls import patterns

app_name = "letters"
urlpatterns = [
    path("nouvelle/", opening.create, name="create"),
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
    # Its page, every step, the territory, the attachments, the deposit and its documents.
    *patterns(written(KIND)),
]
