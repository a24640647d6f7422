from django.urls import path

from members import views

app_name = "members"
urlpatterns = [
    path("", views.members, name="list"),
    path("ajouter/<slug:kind>/", views.add, name="add"),
    path("<int:pk>/", views.edit, name="edit"),
    path("<int:pk>/depart/", views.leave, name="leave"),
    path("<int:pk>/retour/", views.come_back, name="come-back"),
    path("<int:pk>/effacer/", views.erase, name="erase"),
    path("importer/", views.import_file, name="import"),
    path("importer/<int:pk>/", views.import_report, name="import-report"),
    path("importer/<int:pk>/abandonner/", views.import_give_up, name="import-give-up"),
    path("importer/<int:pk>/a-corriger.<slug:form>", views.import_wrong, name="import-wrong"),
    path("export.<slug:form>", views.export, name="export"),
    path("modele.<slug:form>", views.template_file, name="template"),
]
