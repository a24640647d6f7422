"""What the page of a case takes from the desk it was opened from: `case.html` knows no desk."""

from typing import Any

from django import template
from django.http import QueryDict

from desks import inbox
from desks import inbox_markup as markup
from desks.choices import InboxChoices
from desks.options import Option
from desks.panel import read_panel
from workflow.models import Case

register = template.Library()


@register.inclusion_tag("desks/_neighbours.html", takes_context=True)
def case_neighbours(context: dict[str, Any], case: Case) -> dict[str, Any]:
    """The links to the case before and the case after, in the list this one was opened from."""
    request = context["request"]
    listed, rank = request.GET.get("liste"), request.GET.get("rang", "")
    if request.user.acting is None or listed is None:
        return {}
    choices = InboxChoices.from_query(QueryDict(listed.encode()[:2_000]))
    number = int(rank) if rank.isascii() and rank.isdecimal() and len(rank) < 8 else 1
    return {"neighbours": inbox.neighbours(case, request.user, choices, number)}


@register.inclusion_tag("desks/_panel.html", takes_context=True)
def case_desk(context: dict[str, Any], case: Case) -> dict[str, Any]:
    """Who follows the case, its labels, and what the person keeps for themselves about it."""
    request = context["request"]
    if request.user.acting is None:
        return {}
    panel = read_panel(case, request.user)
    people = [Option(str(one.pk), one.name) for one in panel.people]
    return {
        "panel": panel,
        "people_html": markup.options_markup(people, str(case.instructor_id or "")),
        "labels_html": markup.labels_markup((one.tag, one.is_put) for one in panel.labels),
        "case": case,
        "here": request.GET.urlencode(),
        "csrf_token": context.get("csrf_token"),
    }
