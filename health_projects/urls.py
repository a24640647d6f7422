"""The addresses of a health project."""

from django.urls import URLPattern

app_name = "projects"
urlpatterns: list[URLPattern] = []
