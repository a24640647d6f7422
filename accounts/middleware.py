"""The role in which a person acts, chosen openly and kept in the session."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

SESSION_KEY = "acting_membership"
# Whether the person holds a role at all: tells the header to offer the switch, without a query.
SESSION_HOLDS_ROLES = "holds_roles"


class ActingRoleMiddleware:
    """Set `request.user.acting` from the session; a role that ended is forgotten at once."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        membership_id = request.session.get(SESSION_KEY)
        if membership_id is not None and request.user.is_authenticated:
            request.user.acting = (
                request.user.memberships.filter(pk=membership_id, is_active=True)
                .select_related("organisation")
                .first()
            )
            if request.user.acting is None:
                del request.session[SESSION_KEY]
        return self.get_response(request)
