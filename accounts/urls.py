from django.urls import path

from accounts import second_factor_views, views

app_name = "accounts"
urlpatterns = [
    path("compte/", views.profile, name="profile"),
    path("compte/deuxieme-facteur/", second_factor_views.page, name="second_factor"),
    path(
        "compte/deuxieme-facteur/codes/",
        second_factor_views.recovery_codes,
        name="second_factor_codes",
    ),
    path(
        "compte/deuxieme-facteur/retirer/",
        second_factor_views.remove,
        name="second_factor_remove",
    ),
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
