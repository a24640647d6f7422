from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.sites.models import Site
from django.urls import include, path
from dsfr.models import DsfrConfig

from cpts_portal import health, pages

# One way in for everyone: verified address, limits on attempts.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = "Administration du portail CPTS"
admin.site.site_title = "Portail CPTS"
# Filled in by their apps, and read by nothing here: an administrator would change them in vain.
admin.site.unregister([Group, Site, DsfrConfig])

urlpatterns = [
    path("healthz", health.healthz),
    path("readyz", health.readyz),
    path("", include("desks.urls")),
    path("", include("accounts.urls")),
    path("", include("notifications.urls")),
    path("compte/", include("accounts.auth_urls")),
    path("cpts/", include("contracts.public.urls")),
    path("", include("communities.urls")),
    path("", include("diagnosis.urls")),
    path("", include("roadmap.urls")),
    path("cpts/<uuid:public_id>/membres/", include("members.urls")),
    path("cpts/<uuid:public_id>/signatures/", include("signatures.urls")),
    # Before the links of members: theirs would take « contrat » for a secret.
    path("signer/contrat/", include("contracts.signing.link_urls")),
    path("signer/", include("signatures.signing_urls")),
    path("cpts/<uuid:public_id>/questionnaires/", include("mobilisation.urls")),
    path("questionnaires/", include("mobilisation.urps_urls")),
    path("q/", include("mobilisation.answering_urls")),
    path("accessibilite/", pages.accessibility, name="accessibility"),
    path("mentions-legales/", pages.legal_notice, name="legal_notice"),
    path("donnees-personnelles/", pages.personal_data, name="personal_data"),
    path("territoires/", include("territories.urls")),
    path("lettres/", include("letters.urls")),
    path("projets/", include("health_projects.urls")),
    path("dossiers/<uuid:case>/", include("workflow.urls")),
    path("seances/", include("committees.urls")),
    path("contrats/avenants-nationaux/", include("contracts.amendments.national_urls")),
    path("contrats/existants/", include("contracts.existing.urls")),
    path("contrats/<uuid:public_id>/avenants/", include("contracts.amendments.urls")),
    path("contrats/<uuid:public_id>/fin/", include("contracts.endings.urls")),
    path("contrats/", include("contracts.desk.urls")),
    path("contrats/", include("contracts.urls")),
    path("bureau/modeles/", include("workflow.template_urls")),
    path("organismes/<slug:code>/", include("workflow.body_urls")),
    path("administration/", admin.site.urls),
]

handler400 = "cpts_portal.errors.bad_request"
