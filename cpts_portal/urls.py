from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("desks.urls")),
    path("compte/", include("allauth.urls")),
    path("administration/", admin.site.urls),
]
