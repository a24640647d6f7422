"""Questionnaires for tests, on CPTS of two communes of the Tarn, and what one sends to them."""

import re
import time
from datetime import timedelta
from itertools import count
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.models import Organisation, User
from communities.models import Community
from mobilisation import links, services
from mobilisation.models import Questionnaire, Reply
from territories.services import add_communes
from tests import factories
from tests.letters import cases

_numbers = count(1)
INSIDE = ("81140", "81271")
OUTSIDE = "31149"


def community(*, communes: tuple[str, ...] = INSIDE) -> Community:
    cases.reference_rows()
    made = factories.community()
    if communes:
        add_communes(made.territory, list(communes))
    return made


def urps(name: str = "URPS Infirmiers Occitanie") -> Organisation:
    known = Organisation.objects.filter(kind="urps", name=name, region="76").first()
    return known or factories.organisation("urps", name=name)


def president(of: Organisation, role: str = "president") -> User:
    person = factories.user()
    person.acting = factories.membership(person, of, role)
    return person


def values(**changes: Any) -> dict[str, Any]:
    return {
        "urps": urps(),
        "closes_on": timezone.localdate() + timedelta(days=30),
        "message": "",
        "own_questions": [],
    } | changes


def draft(of: Community | None = None, **changes: Any) -> Questionnaire:
    of = of or community()
    return services.prepare_questionnaire(of, values(**changes), by=of.created_by)


def submitted(of: Community | None = None, **changes: Any) -> Questionnaire:
    made = draft(of, **changes)
    services.submit_questionnaire(made, by=made.created_by)
    return fresh(made)


def opened(of: Community | None = None, **changes: Any) -> Questionnaire:
    made = submitted(of, **changes)
    services.approve_questionnaire(made, by=president(made.urps))
    return fresh(made)


def fresh(one: Questionnaire) -> Questionnaire:
    return Questionnaire.objects.select_related("community", "urps").get(pk=one.pk)


def mark(seconds: int = 60) -> str:
    """The seal of a form opened some seconds ago."""
    return links.new_mark(at=time.time() - seconds)


def sent(**changes: Any) -> dict[str, Any]:
    """What the form of somebody who wishes to take part sends."""
    return {
        "profession": "nurses",
        "commune": INSIDE[0],
        "interest": "3",
        "missions": ["prevention"],
        "last_name": "Fabre",
        "first_name": "Claire",
        "email": f"reponse{next(_numbers)}@exemple.test",
        "may_contact": "on",
        "mark": mark(),
    } | changes


def send(one: Questionnaire, client: Client | None = None, **changes: Any) -> Any:
    return (client or Client()).post(f"/q/{one.code}/", sent(**changes))


def reply(one: Questionnaire, **changes: Any) -> Reply:
    """An answer given through the page."""
    answer = send(one, **changes)
    assert answer.status_code == 302, re.findall(r"<li>.*?</li>", answer.content.decode())
    return Reply.objects.get(token_digest=links.digest(answer.url.split("/")[-2]))


def own_path(one: Reply) -> str:
    return f"/q/reponse/{links.token_of(one)}/"


def url(one: Questionnaire, tail: str = "") -> str:
    return f"/cpts/{one.community.public_id}/questionnaires/{one.public_id}/{tail}"


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client
