from django.urls import path

from contracts.amendments import views

app_name = "amendments"
urlpatterns = [
    path("", views.history, name="history"),
    path("preparer/", views.prepare, name="prepare"),
    path("<int:pk>/", views.amendment, name="amendment"),
    path("<int:pk>/partie/<slug:section>/", views.section, name="section"),
    path("<int:pk>/propositions/<int:proposal>/", views.answer_proposal, name="proposal"),
    path("<int:pk>/cocher/", views.tick, name="tick"),
    path("<int:pk>/remarque/", views.remark, name="remark"),
    path("<int:pk>/accord/", views.agree, name="agree"),
    path("<int:pk>/figer/", views.freeze, name="freeze"),
    path("<int:pk>/reprendre/", views.take_back, name="take-back"),
    path("<int:pk>/abandonner/", views.drop, name="drop"),
    path("<int:pk>/avenant.pdf", views.document, name="document"),
]
