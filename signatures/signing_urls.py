"""What a personal link opens, under `signer/<secret>/`: no account is needed."""

from django.urls import path

from signatures import signing_views as views

app_name = "signing"
urlpatterns = [
    path("<str:token>/", views.page, name="page"),
    path("<str:token>/document.pdf", views.document, name="document"),
    path("<str:token>/code/", views.code, name="code"),
    path("<str:token>/signer/", views.answer, name="answer"),
    path("<str:token>/pas-moi/", views.not_me, name="not-me"),
]
