"""The campaigns of a CPTS, under `cpts/<public id>/signatures/`, for its team and its offices."""

from django.urls import path

from signatures.views import campaigns, paper, people

app_name = "signatures"
urlpatterns = [
    path("", campaigns.campaigns, name="list"),
    path("nouvelle/", campaigns.prepare, name="prepare"),
    path("<uuid:campaign>/", campaigns.campaign, name="campaign"),
    path("<uuid:campaign>/document.pdf", campaigns.document, name="document"),
    path("<uuid:campaign>/registre/<slug:kind>.pdf", campaigns.register, name="register"),
    path("<uuid:campaign>/ouvrir/", campaigns.open_it, name="open"),
    path("<uuid:campaign>/supprimer/", campaigns.discard, name="discard"),
    path("<uuid:campaign>/date/", campaigns.move_closing, name="move-closing"),
    path("<uuid:campaign>/clore/", campaigns.close, name="close"),
    path("<uuid:campaign>/annuler/", campaigns.cancel, name="cancel"),
    path("<uuid:campaign>/relancer/", campaigns.remind_all, name="remind-all"),
    path("<uuid:campaign>/inviter/", campaigns.invite, name="invite"),
    path("<uuid:campaign>/membres/<int:pk>/", people.invitation, name="invitation"),
    path("<uuid:campaign>/membres/<int:pk>/relancer/", people.remind, name="remind"),
    path("<uuid:campaign>/membres/<int:pk>/adresse/", people.address, name="address"),
    path("<uuid:campaign>/membres/<int:pk>/reporter/", people.postpone, name="postpone"),
    path("<uuid:campaign>/membres/<int:pk>/arreter/", people.stop, name="stop"),
    path("<uuid:campaign>/membres/<int:pk>/remplacer/", people.replace, name="replace"),
    path("<uuid:campaign>/membres/<int:pk>/delegation/", people.delegate, name="delegate"),
    path("<uuid:campaign>/membres/<int:pk>/acte/", people.act, name="act"),
    path("<uuid:campaign>/membres/<int:pk>/feuille.pdf", paper.sheet, name="sheet"),
    path("<uuid:campaign>/papier/", paper.paper, name="paper"),
    path("<uuid:campaign>/papier/feuilles/", paper.ask_sheets, name="ask-sheets"),
    path("<uuid:campaign>/papier/feuilles/<int:pk>.pdf", paper.sheets, name="sheets"),
    path("<uuid:campaign>/papier/<int:pk>/image.png", paper.page_image, name="page-image"),
    path("<uuid:campaign>/papier/<int:pk>/", paper.page, name="page"),
    path("<uuid:campaign>/papier/confirmer/", paper.confirm_pages, name="confirm-pages"),
]
