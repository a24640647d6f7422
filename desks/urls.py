from django.urls import path

from desks import views

app_name = "desks"
urlpatterns = [
    path("", views.welcome, name="welcome"),
    path("accueil/", views.home, name="home"),
]
