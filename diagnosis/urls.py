from django.urls import path

from diagnosis import indicator_views, letter_views, views

app_name = "diagnosis"
urlpatterns = [
    path("cpts/<uuid:public_id>/diagnostic/", views.overview, name="overview"),
    path("cpts/<uuid:public_id>/diagnostic/demander/", views.ask, name="ask"),
    path("cpts/<uuid:public_id>/diagnostic/annexe.pdf", letter_views.pdf, name="pdf"),
    path("cpts/<uuid:public_id>/diagnostic/joindre/", letter_views.join, name="join"),
    path("cpts/<uuid:public_id>/diagnostic/lettre/", letter_views.paragraph, name="paragraph"),
    path(
        "diagnostics/<uuid:public_id>/documents/<uuid:attachment>/joindre/",
        letter_views.join_answer,
        name="join-answer",
    ),
    path("diagnostics/<uuid:public_id>/", views.show, name="request"),
    path("diagnostics/<uuid:public_id>/retirer/", views.withdraw, name="withdraw"),
    path("diagnostics/<uuid:public_id>/preparer/", views.take, name="take"),
    path("diagnostics/<uuid:public_id>/repondre/", views.answer, name="answer"),
    path("diagnostics/<uuid:public_id>/sans-suite/", views.decline, name="decline"),
    path("diagnostics/<uuid:public_id>/documents/<uuid:attachment>/", views.download, name="file"),
    path("bureau/diagnostics/", views.received, name="received"),
    # For administrators
    path("indicateurs/", indicator_views.indicators, name="indicators"),
    path("indicateurs/charger/", indicator_views.load, name="indicator-load"),
    path("indicateurs/tableaux/<int:pk>/", indicator_views.report, name="indicator-report"),
    path(
        "indicateurs/tableaux/<int:pk>/abandonner/",
        indicator_views.give_up,
        name="indicator-give-up",
    ),
    path("indicateurs/<int:pk>/montrer/", indicator_views.show, name="indicator-show"),
]
