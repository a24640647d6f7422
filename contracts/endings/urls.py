from django.urls import path

from contracts.endings import views

app_name = "endings"
urlpatterns = [
    path("", views.hub, name="hub"),
    path("reponse/", views.answer, name="answer"),
    path("renouveler/", views.renew, name="renew"),
    path("resilier/", views.terminate, name="terminate"),
    path("resiliation/<int:pk>/", views.termination, name="termination"),
    path("resiliation/<int:pk>/decider/", views.decide, name="decide"),
    path("resiliation/<int:pk>/abandonner/", views.withdraw, name="withdraw"),
    path("resiliation/<int:pk>/<str:kind>.pdf", views.letter, name="letter"),
    path("reorganiser/", views.reorganise, name="reorganise"),
]
