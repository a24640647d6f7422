"""The addresses of the pages every deposited case has, under `dossiers/<case>/`."""

from django.urls import path

from workflow.views import documents, messages

app_name = "cases"
urlpatterns = [
    path("documents/<uuid:document>/", documents.download, name="document"),
    path("messages/", messages.thread, name="messages"),
    path("messages/<int:message>/clore/", messages.stop_waiting, name="message-stop"),
    path("messages/fichiers/<uuid:attachment>/", messages.download, name="message-file"),
]
