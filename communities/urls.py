from django.urls import path

from communities import legal_views, officer_views, views

app_name = "communities"
urlpatterns = [
    path("cpts/<uuid:public_id>/", views.public, name="public"),
    path("cpts/<uuid:public_id>/equipe/", views.team, name="team"),
    path("cpts/<uuid:public_id>/equipe/quitter/", views.leave, name="leave"),
    path("cpts/<uuid:public_id>/equipe/<int:pk>/role/", views.change_role, name="change_role"),
    path("cpts/<uuid:public_id>/equipe/<int:pk>/retirer/", views.remove_member, name="remove"),
    path(
        "cpts/<uuid:public_id>/equipe/responsabilite/",
        views.offer_ownership,
        name="offer_ownership",
    ),
    path(
        "cpts/<uuid:public_id>/equipe/responsabilite/<int:pk>/",
        views.answer_ownership,
        name="answer_ownership",
    ),
    path(
        "cpts/<uuid:public_id>/invitations/<int:pk>/renvoyer/",
        views.resend_invitation,
        name="resend_invitation",
    ),
    path(
        "cpts/<uuid:public_id>/invitations/<int:pk>/retirer/",
        views.revoke_invitation,
        name="revoke_invitation",
    ),
    path("cpts/<uuid:public_id>/presidence/", officer_views.read, name="officers"),
    path("cpts/<uuid:public_id>/intitule/", officer_views.rename, name="rename"),
    path(
        "cpts/<uuid:public_id>/presidence/<slug:slug>/changer/",
        officer_views.appoint,
        name="appoint",
    ),
    path("cpts/<uuid:public_id>/structure-juridique/", legal_views.entities, name="legal"),
    path("cpts/<uuid:public_id>/structure-juridique/ajouter/", legal_views.add, name="legal-add"),
    path(
        "cpts/<uuid:public_id>/structure-juridique/<int:pk>/",
        legal_views.correct,
        name="legal-correct",
    ),
    path(
        "cpts/<uuid:public_id>/structure-juridique/<int:pk>/remplacer/",
        legal_views.replace,
        name="legal-replace",
    ),
    path(
        "cpts/<uuid:public_id>/structure-juridique/<int:pk>/clore/",
        legal_views.close,
        name="legal-close",
    ),
    path(
        "cpts/<uuid:public_id>/structure-juridique/<int:pk>/statuts/",
        legal_views.statutes,
        name="legal-statutes",
    ),
    path("invitations/equipe/<str:token>/", views.accept_invitation, name="accept_invitation"),
]
