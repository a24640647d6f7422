"""The questionnaires of a CPTS, under `cpts/<public id>/questionnaires/`: its team and its URPS."""

from django.urls import path

from mobilisation import views

app_name = "mobilisation"
urlpatterns = [
    path("", views.questionnaires, name="list"),
    path("nouveau/", views.prepare, name="prepare"),
    path("<uuid:questionnaire>/", views.questionnaire, name="questionnaire"),
    path("<uuid:questionnaire>/modifier/", views.change, name="change"),
    path("<uuid:questionnaire>/supprimer/", views.discard, name="discard"),
    path("<uuid:questionnaire>/apercu/", views.preview, name="preview"),
    path("<uuid:questionnaire>/soumettre/", views.submit, name="submit"),
    path("<uuid:questionnaire>/rappeler/", views.take_back, name="take-back"),
    path("<uuid:questionnaire>/accorder/", views.approve, name="approve"),
    path("<uuid:questionnaire>/refuser/", views.refuse, name="refuse"),
    path("<uuid:questionnaire>/date/", views.move_closing, name="move-closing"),
    path("<uuid:questionnaire>/clore/", views.close, name="close"),
]
