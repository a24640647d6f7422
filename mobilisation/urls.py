"""The questionnaires of a CPTS, under `cpts/<public id>/questionnaires/`: its team and its URPS."""

from django.urls import path

from mobilisation import contact_views, letter_views, result_views, views

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
    path("<uuid:questionnaire>/liste/", contact_views.contacts, name="contacts"),
    path("<uuid:questionnaire>/liste/ecrire/", contact_views.ask_contacts, name="ask"),
    path("<uuid:questionnaire>/liste/importer/", contact_views.import_contacts, name="import"),
    path(
        "<uuid:questionnaire>/liste/importer/<int:pk>/",
        contact_views.import_report,
        name="import-report",
    ),
    path(
        "<uuid:questionnaire>/liste/modele.<slug:form>",
        contact_views.template_file,
        name="contacts-template",
    ),
    path(
        "<uuid:questionnaire>/liste/<int:pk>/retirer/",
        contact_views.remove_contact,
        name="remove-contact",
    ),
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
