"""The addresses of a health project."""

from django.urls import URLPattern

from health_projects import sheet_urls

app_name = "projects"
urlpatterns: list[URLPattern] = [*sheet_urls.urlpatterns]
