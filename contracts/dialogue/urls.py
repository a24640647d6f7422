from django.urls import path

from contracts.dialogue import views

_YEAR = "<uuid:public_id>/dialogues/<int:year>/"
urlpatterns = [
    path("<uuid:public_id>/dialogues/", views.dialogue_list, name="dialogues"),
    path(_YEAR, views.dialogue_page, name="dialogue"),
    path(f"{_YEAR}ouvrir/", views.open_one, name="dialogue-open"),
    path(f"{_YEAR}indicateurs/<int:pk>/", views.line_page, name="dialogue-line"),
    path(f"{_YEAR}preuves/<int:pk>/", views.proof, name="dialogue-proof"),
    path(f"{_YEAR}preuves/<int:pk>/retirer/", views.remove_proof, name="dialogue-proof-remove"),
    path(f"{_YEAR}depenses/", views.spending, name="dialogue-spending"),
    path(f"{_YEAR}transmettre/", views.submit, name="dialogue-submit"),
    path(f"{_YEAR}examen/", views.review, name="dialogue-review"),
    path(f"{_YEAR}reponses/", views.answer, name="dialogue-answer"),
    path(f"{_YEAR}conclusion/", views.conclude, name="dialogue-conclude"),
    path(f"{_YEAR}accord/", views.agree, name="dialogue-agree"),
    path(f"{_YEAR}rendre/<slug:way>/", views.give_back, name="dialogue-give-back"),
    path(f"{_YEAR}compte-rendu.pdf", views.minutes_file, name="dialogue-minutes"),
]
