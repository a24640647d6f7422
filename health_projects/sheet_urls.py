"""The addresses of the action sheets of a project, of their models, of its coherence."""

from django.urls import path

from health_projects.views import coherence, library, sheets

urlpatterns = [
    path("<uuid:project>/fiches/", sheets.list_sheets, name="sheets"),
    path("<uuid:project>/fiches/agir/", sheets.act, name="sheets-act"),
    path("<uuid:project>/fiches/ajouter/", sheets.add, name="sheet-add"),
    path("<uuid:project>/fiches/missions/", sheets.show_matrix, name="matrix"),
    path("<uuid:project>/fiches/modeles/", library.models, name="library"),
    path("<uuid:project>/fiches/modeles/<int:pk>/", library.model, name="library-model"),
    path("<uuid:project>/fiches/<uuid:uid>/", sheets.sheet, name="sheet"),
    path("<uuid:project>/fiches/<uuid:uid>/modifier/", sheets.edit, name="sheet-edit"),
    path("<uuid:project>/fiches/<uuid:uid>/retirer/", sheets.remove, name="sheet-remove"),
    path("<uuid:project>/fiches/<uuid:uid>/fiche.pdf", sheets.sheet_pdf, name="sheet-pdf"),
    path("<uuid:project>/fiches/<uuid:uid>/partager/", library.publish, name="sheet-publish"),
    path("<uuid:project>/coherence/", coherence.plans, name="coherence"),
    path("modeles/", library.shared_models, name="models"),
    path("modeles/<int:pk>/retirer/", library.withdraw, name="model-withdraw"),
]
