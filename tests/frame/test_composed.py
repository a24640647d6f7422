"""A statement composed once says what the queryset says, for whatever values it is given."""

from typing import Any

import pytest
from django.db.models import F

from accounts.models import Membership, Organisation
from accounts.viewers import Viewer, stand_in, viewer_of
from cpts_portal.composed import Composed, ComposedObjects, Given, constant
from tests import factories

pytestmark = pytest.mark.django_db


def test_it_gives_the_rows_of_the_values_of_each_run() -> None:
    one, other = factories.organisation(), factories.organisation()
    named = Composed(
        lambda: Organisation.objects.filter(pk=Given("body"), kind=one.kind).values_list("name")
    )

    assert [named.rows(body=body.pk) for body in (one, other, one)] == [
        [(one.name,)],
        [(other.name,)],
        [(one.name,)],
    ]


def test_the_models_compose_it_once() -> None:
    composed = []

    def compose() -> Any:
        composed.append("composed")
        return Organisation.objects.filter(pk=Given("body")).values_list("pk")

    statement = Composed(compose)

    assert [statement.parameters(body=number) for number in (1, 2)] == [[1], [2]]
    assert composed == ["composed"]


def test_a_value_that_is_not_given_is_refused() -> None:
    statement = Composed(lambda: Organisation.objects.filter(pk=Given("body")).values_list("pk"))

    with pytest.raises(KeyError, match="body"):
        statement.rows(other=1)


def test_a_constant_column_is_known_now_or_given_later() -> None:
    body = factories.organisation()

    def noted(value: Any) -> Any:
        bodies = Organisation.objects.filter(pk=body.pk)
        return bodies.annotate(noted=constant(value)).values_list("noted", F("name"))

    assert list(noted(7)) == [(7, body.name)]
    statement = Composed(lambda: noted(Given("note", Organisation._meta.pk)))
    assert statement.rows(note=7) == [(7, body.name)]


def test_a_viewer_says_in_what_role_and_within_what_limits_a_person_acts() -> None:
    held = factories.membership(organisation_=factories.organisation(), role=Membership.Role.AGENT)
    person = held.user
    in_their_name = viewer_of(person)
    person.acting = held
    acting = viewer_of(person)
    held.department = factories.department("81")
    limited = viewer_of(person)

    assert [in_their_name, acting, limited] == [
        Viewer(person.pk),
        Viewer(person.pk, held.organisation_id),
        Viewer(person.pk, held.organisation_id, "81"),
    ]
    assert [stand_in(one.shape).shape for one in (in_their_name, acting, limited)] == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_it_gives_objects_with_those_beside_them_and_what_is_noted_of_them() -> None:
    held = [factories.membership() for _ in range(3)]
    named = ComposedObjects(
        lambda: (
            Membership.objects.filter(role=Given("role"))
            .select_related("organisation", "department")
            .annotate(body=F("organisation__name"))
            .defer("organisation__email")
            .order_by("pk")
        )
    )

    read = named.objects(start=1, count=2, role="agent")

    assert [(one, one.organisation.name, one.department, one.body) for one in read] == [
        (one, one.organisation.name, None, one.organisation.name) for one in held[1:]
    ]
    assert [one.organisation.get_deferred_fields() for one in read] == [{"email"}, {"email"}]
    assert named.objects(role="president") == []
