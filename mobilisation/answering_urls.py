"""What professionals open without an account, under `q/`: short enough to be typed."""

from django.urls import path

from mobilisation import answering_views as views

app_name = "answering"
urlpatterns = [
    path("reponse/<str:token>/", views.own, name="own"),
    path("reponse/<str:token>/corriger/", views.correct, name="correct"),
    path("reponse/<str:token>/donnees.csv", views.data, name="data"),
    path("reponse/<str:token>/supprimer/", views.delete, name="delete"),
    path("stop/<str:token>/", views.unsubscribe, name="unsubscribe"),
    path("<str:code>/", views.form, name="form"),
]
