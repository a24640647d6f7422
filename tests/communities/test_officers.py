"""Who presides and coordinates a CPTS, and its name: dated, one at a time, never in the future."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from communities import officers
from communities.models import Officer, Renaming
from communities.officers import OfficerError, Role
from tests import factories

pytestmark = pytest.mark.django_db

FIRST, SECOND = date(2026, 1, 12), date(2026, 3, 2)


def refusal(act: Any) -> tuple[str, str]:
    with pytest.raises(OfficerError) as refused:
        act()
    return refused.value.field, refused.value.message.split("\u00a0: ")[0]


def test_one_person_holds_a_role_at_a_time_and_every_change_keeps_its_dates():
    community = factories.community(name="CPTS du Lac")
    owner = community.created_by

    def appoint(name: str, on: date, role: Officer.Role = Role.PRESIDENT, email: str = "") -> Any:
        return officers.appoint(community, role, name=name, email=email, on=on, by=owner)

    appoint("Claire  Fabre", FIRST)
    appoint("Noé Petit", SECOND)
    appoint("Inès Roy", FIRST, Role.COORDINATOR)
    # A slip of the keyboard is corrected on the same day: nobody else came.
    appoint("Noé Petit", SECOND, email="noe@exemple.test")
    rows = Officer.objects.order_by("role", "valid_from")
    assert list(rows.values_list("role", "name", "valid_from", "valid_to", "revision")) == [
        ("coordinator", "Inès Roy", FIRST, None, 1),
        ("president", "Claire Fabre", FIRST, SECOND - timedelta(days=1), 1),
        ("president", "Noé Petit", SECOND, None, 2),
    ]
    tomorrow = timezone.localdate() + timedelta(days=1)
    assert {
        "same": refusal(
            lambda: appoint("Noé Petit", tomorrow - timedelta(days=1), email="noe@exemple.test")
        ),
        "future": refusal(lambda: appoint("Zoé Blanc", tomorrow)),
        "past": refusal(lambda: appoint("Zoé Blanc", FIRST)),
        "nobody": refusal(lambda: appoint("  ", SECOND)),
    } == {
        "same": ("name", "Noé Petit exerce déjà cette fonction depuis le 2 mars 2026"),
        "future": ("on", "Cette date est à venir"),
        "past": ("on", "Noé Petit exerce cette fonction depuis le 2 mars 2026"),
        "nobody": ("name", "Écrivez le prénom et le nom de la personne."),
    }
    held = officers.read_officers(community, on=date(2026, 2, 1))
    assert [(one.role, one.current and one.current.name) for one in held] == [
        (Role.PRESIDENT, "Claire Fabre"),
        (Role.COORDINATOR, "Inès Roy"),
    ]
    with pytest.raises(IntegrityError, match="officer_one_at_a_time"), transaction.atomic():
        Officer.objects.create(
            community=community, role="president", name="X", valid_from=SECOND, written_by=owner
        )


def test_a_cpts_takes_another_name_from_its_page_which_a_reader_only_reads():
    community = factories.community(name="CPTS du Lac")
    reader = factories.team_member(community, role="reader").user
    today = timezone.localdate()
    with pytest.raises(PermissionDenied):
        officers.rename(community, "CPTS des Lacs", on=today, by=reader)
    url = f"/cpts/{community.public_id}/"
    pages = {}
    for who, person in {
        "owner": community.created_by,
        "reader": reader,
        "": factories.user(),
    }.items():
        client = Client()
        client.force_login(person)
        sent = {"name": "CPTS des Lacs", "on": today.isoformat()}
        pages[who] = (
            client.get(f"{url}presidence/").status_code,
            client.post(f"{url}intitule/", sent | {"name": "CPTS du Lac"}).status_code,
            client.post(f"{url}intitule/", sent).status_code,
            client.post(f"{url}presidence/presidence/changer/", {"name": "", "on": ""}).status_code,
            client.get(f"{url}presidence/tresorerie/changer/").status_code,
        )
    assert pages == {
        "owner": (200, 422, 302, 422, 404),
        "reader": (200, 403, 403, 403, 404),
        "": (404, 404, 404, 404, 404),
    }
    community.refresh_from_db()
    assert community.name == "CPTS des Lacs"
    assert list(Renaming.objects.values_list("before", "after", "on")) == [
        ("CPTS du Lac", "CPTS des Lacs", today)
    ]
