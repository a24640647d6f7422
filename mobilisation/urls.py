"""The questionnaires of a CPTS, under `cpts/<public id>/questionnaires/`: its team and its URPS."""

from django.urls import path

from mobilisation import letter_views, result_views, views

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
    path("<uuid:questionnaire>/affiche.pdf", result_views.poster, name="poster"),
    path("<uuid:questionnaire>/resultats/", result_views.results, name="results"),
    path("<uuid:questionnaire>/resultats/carte.svg", result_views.map_drawing, name="map"),
    path("<uuid:questionnaire>/resultats/textes/", result_views.comments, name="comments"),
    path("<uuid:questionnaire>/reponses.<slug:form>", result_views.export, name="export"),
    path("<uuid:questionnaire>/lettre/", letter_views.carry, name="carry"),
    path("<uuid:questionnaire>/annexe.pdf", letter_views.annex, name="annex"),
    path("<uuid:questionnaire>/effectifs/", result_views.counts, name="counts"),
    path("<uuid:questionnaire>/reunions/", result_views.gatherings, name="gatherings"),
    path(
        "<uuid:questionnaire>/reunions/<int:pk>/retirer/",
        result_views.remove_gathering,
        name="remove-gathering",
    ),
]
