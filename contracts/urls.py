from django.urls import include, path

from contracts.funding import views
from contracts.missions import views as life_views

app_name = "contracts"
urlpatterns = [
    path("", views.board, name="board"),
    path("paiements.<str:form>", views.payments_file, name="payments-file"),
    path("paiements/importer/", views.import_file, name="import"),
    path("paiements/importer/modele.<str:form>", views.template_file, name="import-template"),
    path("paiements/importer/<int:pk>/", views.import_report, name="import-report"),
    path("paiements/importer/<int:pk>/abandonner/", views.import_give_up, name="import-give-up"),
    path("cpts/<uuid:public_id>/indemnites/", views.indemnity_list, name="indemnities"),
    path("cpts/<uuid:public_id>/indemnites/ajouter/", views.add_indemnity, name="indemnity-add"),
    path(
        "cpts/<uuid:public_id>/indemnites/<int:pk>/annuler/",
        views.cancel_indemnity,
        name="indemnity-cancel",
    ),
    path("", include("contracts.drafts.urls")),
    path("<uuid:public_id>/argent/", views.money_page, name="money"),
    path("<uuid:public_id>/echeancier.<str:form>", views.schedule_file, name="schedule-file"),
    path("<uuid:public_id>/etablir-l-echeancier/", views.complete, name="complete"),
    path("<uuid:public_id>/paiements/nouveau/", views.pay, name="pay"),
    path("<uuid:public_id>/paiements/<int:pk>/annuler/", views.cancel, name="cancel"),
    path("<uuid:public_id>/missions/", life_views.missions, name="missions"),
    path("<uuid:public_id>/missions.ics", life_views.calendar_file, name="missions-file"),
    path("<uuid:public_id>/missions/crise/", life_views.recognise_crisis, name="crisis"),
    path(
        "<uuid:public_id>/missions/<slug:mission>/<slug:step>/",
        life_views.declare,
        name="mission-declare",
    ),
    path(
        "<uuid:public_id>/missions/declarations/<int:pk>/retirer/",
        life_views.withdraw,
        name="mission-withdraw",
    ),
    path(
        "<uuid:public_id>/missions/declarations/<int:pk>/preuve/",
        life_views.step_proof,
        name="mission-proof",
    ),
    path("<uuid:public_id>/signatures/<uuid:number>/", include("contracts.signing.urls")),
    path("", include("contracts.dialogue.urls")),
]
