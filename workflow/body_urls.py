"""The addresses of what an organisation sets for its own people, under `organismes/<code>/`."""

from django.urls import path

from workflow.views import delegations

app_name = "bodies"
urlpatterns = [
    path("delegations/", delegations.delegations, name="delegations"),
    path("delegations/<int:pk>/retirer/", delegations.end, name="delegation-end"),
]
