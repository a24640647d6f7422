from django.urls import path

from contracts.public import views as public_views

app_name = "contract-data"
urlpatterns = [
    path("contrats.<str:form>", public_views.everything, name="all"),
    path("<uuid:public_id>/contrat.json", public_views.one, name="one"),
]
