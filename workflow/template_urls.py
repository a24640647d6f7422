"""The addresses of the texts an office keeps, under `bureau/modeles/`."""

from django.urls import path

from workflow.views import message_templates

app_name = "message_templates"
urlpatterns = [
    path("", message_templates.listing, name="list"),
    path("nouveau/", message_templates.edit, name="create"),
    path("<int:template>/", message_templates.edit, name="edit"),
    path("<int:template>/supprimer/", message_templates.delete, name="delete"),
]
