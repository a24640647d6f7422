from django.urls import path

from notifications import views

app_name = "notifications"
urlpatterns = [
    path("notifications/", views.centre, name="list"),
    path("notifications/<int:pk>/", views.open_one, name="open"),
    path("notifications/lues/", views.read, name="read"),
    path("compte/courriels/", views.choices, name="choices"),
]
