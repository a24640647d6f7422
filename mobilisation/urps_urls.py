"""The questionnaires an URPS was asked to open with a CPTS, under `questionnaires/`."""

from django.urls import path

from mobilisation import views

app_name = "urps"
urlpatterns = [path("", views.of_urps, name="questionnaires")]
