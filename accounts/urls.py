from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("compte/", views.profile, name="profile"),
    path("compte/role/", views.switch_role, name="switch_role"),
    path("organismes/<slug:code>/personnes/", views.organisation, name="organisation"),
    path(
        "organismes/<slug:code>/personnes/<int:pk>/terminer/",
        views.end_membership,
        name="end_membership",
    ),
    path(
        "organismes/<slug:code>/invitations/<int:pk>/renvoyer/",
        views.resend_invitation,
        name="resend_invitation",
    ),
    path(
        "organismes/<slug:code>/invitations/<int:pk>/retirer/",
        views.revoke_invitation,
        name="revoke_invitation",
    ),
    path("invitations/role/<str:token>/", views.accept_invitation, name="accept_invitation"),
]
