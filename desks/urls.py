from django.urls import path

from desks import body_views, demo_mail, views

app_name = "desks"
urlpatterns = [
    path("", views.welcome, name="welcome"),
    path("accueil/", views.home, name="home"),
    path("bureau/", views.inbox, name="inbox"),
    path("bureau/lettres.csv", views.inbox_export, name="inbox-export"),
    path("bureau/avis/", body_views.opinions, name="opinions"),
    path("bureau/avis/mandats/", body_views.mandates, name="mandates"),
    path("bureau/avis/mandats/<int:mandate>/retirer/", body_views.end, name="mandate-end"),
    # Demonstration only: the mails the portal would have sent.
    path("demo/courriels/", demo_mail.mailbox, name="demo-mailbox"),
    path("demo/courriels/<str:name>/<int:rank>/", demo_mail.message, name="demo-message"),
]
