"""The campaigns of a CPTS, under `cpts/<public id>/signatures/`, for its team and its offices."""

from django.urls import path

from signatures import views

app_name = "signatures"
urlpatterns = [
    path("", views.campaigns, name="list"),
    path("nouvelle/", views.prepare, name="prepare"),
    path("<uuid:campaign>/", views.campaign, name="campaign"),
    path("<uuid:campaign>/document.pdf", views.document, name="document"),
    path("<uuid:campaign>/registre/<slug:kind>.pdf", views.register, name="register"),
    path("<uuid:campaign>/ouvrir/", views.open_it, name="open"),
    path("<uuid:campaign>/supprimer/", views.discard, name="discard"),
    path("<uuid:campaign>/date/", views.move_closing, name="move-closing"),
    path("<uuid:campaign>/clore/", views.close, name="close"),
    path("<uuid:campaign>/annuler/", views.cancel, name="cancel"),
    path("<uuid:campaign>/relancer/", views.remind_all, name="remind-all"),
    path("<uuid:campaign>/inviter/", views.invite, name="invite"),
    path("<uuid:campaign>/membres/<int:pk>/", views.invitation, name="invitation"),
    path("<uuid:campaign>/membres/<int:pk>/relancer/", views.remind, name="remind"),
    path("<uuid:campaign>/membres/<int:pk>/adresse/", views.address, name="address"),
    path("<uuid:campaign>/membres/<int:pk>/reporter/", views.postpone, name="postpone"),
    path("<uuid:campaign>/membres/<int:pk>/arreter/", views.stop, name="stop"),
    path("<uuid:campaign>/membres/<int:pk>/remplacer/", views.replace, name="replace"),
    path("<uuid:campaign>/membres/<int:pk>/delegation/", views.delegate, name="delegate"),
    path("<uuid:campaign>/membres/<int:pk>/acte/", views.act, name="act"),
    path("<uuid:campaign>/membres/<int:pk>/feuille.pdf", views.sheet, name="sheet"),
    path("<uuid:campaign>/papier/", views.paper, name="paper"),
    path("<uuid:campaign>/papier/feuilles/", views.ask_sheets, name="ask-sheets"),
    path("<uuid:campaign>/papier/feuilles/<int:pk>.pdf", views.sheets, name="sheets"),
    path("<uuid:campaign>/papier/<int:pk>/image.png", views.page_image, name="page-image"),
    path("<uuid:campaign>/papier/<int:pk>/", views.page, name="page"),
    path("<uuid:campaign>/papier/confirmer/", views.confirm_pages, name="confirm-pages"),
]
