from django.http import HttpRequest

from accounts.models import User


class PersonRequest(HttpRequest):
    """A request that LoginRequiredMiddleware let through: its user is a person."""

    user: User
