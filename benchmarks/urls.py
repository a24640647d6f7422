"""The portal's addresses, and the floor: what any page costs before it does anything."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path


def floor(request: HttpRequest) -> HttpResponse:
    """A page for a person who is signed in that only extends base.html."""
    return render(request, "benchmarks/floor.html")


urlpatterns = [path("bench/", floor, name="floor"), path("", include("cpts_portal.urls"))]
