from django.urls import path

from roadmap import views

app_name = "roadmap"
urlpatterns = [
    path("feuille-de-route/", views.steps, name="steps"),
    path("cpts/<uuid:public_id>/feuille-de-route/", views.roadmap, name="roadmap"),
    path("cpts/<uuid:public_id>/feuille-de-route/<slug:step>/", views.tick, name="tick"),
    path("cpts/<uuid:public_id>/accompagnement/", views.accompaniment, name="accompaniment"),
    path("cpts/<uuid:public_id>/accompagnement/inviter/", views.invite, name="invite"),
    path("cpts/<uuid:public_id>/accompagnement/<int:pk>/arreter/", views.end, name="end"),
    path("cpts/<uuid:public_id>/accompagnement/aide/", views.ask_help, name="help"),
    path(
        "cpts/<uuid:public_id>/accompagnement/aide/<int:pk>/repondre/",
        views.answer_help,
        name="help-answer",
    ),
    path("cpts/<uuid:public_id>/accompagnement/rendez-vous/", views.plan, name="plan"),
    path(
        "cpts/<uuid:public_id>/accompagnement/rendez-vous/<uuid:meeting>/annuler/",
        views.cancel,
        name="cancel",
    ),
    path(
        "cpts/<uuid:public_id>/accompagnement/rendez-vous/<uuid:meeting>.ics",
        views.calendar,
        name="calendar",
    ),
    path("cpts/<uuid:public_id>/accompagnement/notes/", views.write_note, name="note"),
    path(
        "cpts/<uuid:public_id>/accompagnement/notes/<int:pk>/effacer/",
        views.erase_note,
        name="note-erase",
    ),
    path("bureau/accompagnements/", views.accompanied, name="accompanied"),
]
