"""The portal's addresses, and the floor: what any page costs before it does anything."""

import os

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import include, path

from letters.writing import LETTER
from signatures.signable import Signable, declare_signable

# A campaign is measured on letters: they are not signed otherwise.
if kind := os.environ.get("BENCH_SIGNABLE"):
    declare_signable(Signable(kind=kind, short="la lettre", label="lettre", document_kind=LETTER))


def floor(request: HttpRequest) -> HttpResponse:
    """A page for a person who is signed in that only extends base.html."""
    return render(request, "benchmarks/floor.html")


urlpatterns = [path("bench/", floor, name="floor"), path("", include("cpts_portal.urls"))]
