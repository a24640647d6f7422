from django.urls import path

from contracts.existing import views

app_name = "existing"
urlpatterns = [
    path("", views.imports, name="imports"),
    path("modele.<str:form>", views.template_file, name="template"),
    path("<int:pk>/", views.report, name="report"),
    path("<int:pk>/rapport.<str:form>", views.report_file, name="file"),
    path("<int:pk>/contrats-numerises/", views.scan_files, name="scans"),
    path("contrats-numerises/<uuid:scan>/", views.scan, name="scan"),
    path("<int:pk>/oublier/", views.forget, name="forget"),
]
