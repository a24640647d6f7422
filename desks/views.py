from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render


@login_not_required
def welcome(request: HttpRequest) -> HttpResponse:
    """What the portal is, for a person who is not signed in."""
    if request.user.is_authenticated:
        return redirect("desks:home")
    return render(request, "desks/welcome.html")


def home(request: HttpRequest) -> HttpResponse:
    """The desk of the person in the role they act in."""
    return render(request, "desks/home.html")
