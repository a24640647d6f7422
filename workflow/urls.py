"""The addresses of the pages every deposited case has, under `dossiers/<case>/`."""

from django.urls import URLPattern

app_name = "cases"
urlpatterns: list[URLPattern] = []
