from django.urls import path

from contracts.amendments import national_views as views

app_name = "national"
urlpatterns = [
    path("", views.amendments, name="amendments"),
    path("<int:pk>/", views.amendment, name="amendment"),
    path("<int:pk>/appliquer/", views.start, name="start"),
    path("<int:pk>/reprendre/", views.retry, name="retry"),
    path("<int:pk>/abandonner/", views.abandon, name="abandon"),
    path("<int:pk>/contrats/<int:item>/", views.one_contract, name="contract"),
    path("<int:pk>/exceptions.<str:form>", views.exceptions_file, name="exceptions"),
]
