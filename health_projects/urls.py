"""The addresses of a health project."""

from django.urls import path

from health_projects import sheet_urls
from health_projects.services import KIND
from health_projects.views import amending, case, documents, opening, unmaking
from writing.kinds import written
from writing.urls import patterns

app_name = "projects"
urlpatterns = [
    path("nouveau/", opening.create, name="create"),
    path("nouveau/<uuid:community>/", opening.start, name="start"),
    path("<uuid:project>/", case.detail, name="detail"),
    path("<uuid:project>/depuis-la-lettre/", opening.changes, name="changes"),
    path("<uuid:project>/ce-que-change-l-avenant/", amending.changes, name="amendment-changes"),
    path("<uuid:project>/avenant/", amending.amend, name="amend"),
    path("<uuid:project>/parties-modifiees/", amending.sections, name="amended-sections"),
    path("<uuid:project>/figer/", case.freeze, name="freeze"),
    path("<uuid:project>/depot/", case.deposit, name="deposit"),
    path("<uuid:project>/apercu.pdf", documents.preview, name="preview"),
    path("<uuid:project>/documents/", case.papers, name="papers"),
    path("<uuid:project>/documents/<uuid:document>/", documents.download, name="document"),
    path("<uuid:project>/retrait-du-silence/", unmaking.withdraw, name="withdraw-silence"),
    path("publics/<uuid:document>/", documents.public, name="public-document"),
    *sheet_urls.urlpatterns,
    *patterns(written(KIND)),
]
