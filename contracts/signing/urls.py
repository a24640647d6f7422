"""A round of signatures, under `contrats/<contract>/signatures/<round>/`."""

from django.urls import path

from contracts.signing import views

urlpatterns = [
    path("", views.round_page, name="round"),
    path("document.pdf", views.document, name="round-document"),
    path("preuve.pdf", views.proof, name="round-proof"),
    path("signe.pdf", views.sealed, name="round-sealed"),
    path("signer/", views.sign, name="round-sign"),
    path("relancer/", views.remind, name="round-remind"),
    path("ordre/", views.order, name="round-order"),
    path("papier/", views.paper, name="round-paper"),
    path("papier/<int:pk>/", views.check, name="round-check"),
    path("papier/<int:pk>/exemplaire.pdf", views.paper_file, name="round-paper-file"),
]
