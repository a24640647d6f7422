"""The addresses of the pages every deposited case has, under `dossiers/<case>/`."""

from django.urls import path

from workflow.views import documents

app_name = "cases"
urlpatterns = [
    path("documents/<uuid:document>/", documents.download, name="document"),
]
