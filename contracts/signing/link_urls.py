"""What the personal link of a contract's signer opens, under `signer/contrat/<secret>/`."""

from django.urls import path

from contracts.signing import link_views as views

app_name = "contract-signing"
urlpatterns = [
    path("<str:token>/", views.page, name="page"),
    path("<str:token>/document.pdf", views.document, name="document"),
    path("<str:token>/preuve.pdf", views.proof, name="proof"),
    path("<str:token>/code/", views.code, name="code"),
    path("<str:token>/signer/", views.answer, name="answer"),
]
