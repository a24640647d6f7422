from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("compte/", views.profile, name="profile"),
    path("compte/role/", views.switch_role, name="switch_role"),
]
