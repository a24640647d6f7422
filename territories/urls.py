from django.urls import path

from territories import views

app_name = "territories"

urlpatterns = [
    path("communes/", views.search_communes, name="search"),
    path("epci/", views.search_intercommunalities, name="search_intercommunalities"),
    path("contours/<slug:department>.json", views.department_outlines, name="outlines"),
]
