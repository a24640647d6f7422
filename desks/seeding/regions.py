"""What the cases of a region are made from: its circuit, its desks and bodies, its communes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.models import Organisation, User
from procedures import registry
from procedures.circuit import Circuit, PlannedConsultation
from territories.models import Commune


@dataclass(frozen=True)
class Region:
    """What the cases of one region are made from."""

    code: str
    circuit: Circuit
    procedure: tuple[str, int]
    prefix: str
    agency: int
    desk: int | None
    branches: dict[str, int]
    bodies: dict[int, list[tuple[PlannedConsultation, int]]]
    # Communes by département, those of one intercommunality side by side.
    communes: dict[str, list[tuple[str, str, int, list[str]]]]
    examiners: dict[int, list[int]]


def read_regions(codes: Sequence[str]) -> list[Region]:
    agencies = Organisation.objects.filter(kind=Organisation.Kind.ARS).order_by("region_id")
    if codes:
        agencies = agencies.filter(region__in=codes)
    found = [_region(agency) for agency in agencies]
    if not found:
        raise Organisation.DoesNotExist("No agency there.")
    return found


def _region(agency: Organisation) -> Region:
    code = agency.region_id
    procedure = registry.for_region(code)
    served = Organisation.objects.filter(region=code)
    communes: dict[str, list[tuple[str, str, int, list[str]]]] = {}
    for one in Commune.objects.filter(department__region=code, is_active=True).order_by(
        "department", "intercommunality", "code"
    ):
        communes.setdefault(one.department_id, []).append(
            (one.code, one.name, one.population or 0, list(one.postal_codes))
        )
    bodies = {
        line.stage: [
            (planned, body)
            for planned in procedure.circuit.consultations
            if planned.stage == line.stage
            for body in _bodies_of(planned, served)
        ]
        for line in procedure.circuit.consultations
    }
    desk = served.filter(kind=Organisation.Kind.ONE_STOP_DESK).values_list("pk", flat=True).first()
    examiners: dict[int, list[int]] = {}
    people = User.objects.filter(
        memberships__organisation__region=code,
        memberships__role__in=("agent", "coordinator"),
        memberships__is_active=True,
    ).values_list("memberships__organisation", "pk")
    for organisation, person in sorted(people):
        examiners.setdefault(organisation, []).append(person)
    return Region(
        code=code,
        circuit=procedure.circuit,
        procedure=(procedure.key, procedure.version),
        prefix=procedure.reference_prefix,
        agency=agency.pk,
        desk=desk,
        branches=dict(
            served.filter(kind=Organisation.Kind.ARS_BRANCH, department__isnull=False)
            .order_by("department")
            .values_list("department_id", "pk")
        ),
        bodies=bodies,
        communes=communes,
        examiners=examiners,
    )


def _bodies_of(planned: PlannedConsultation, served: Any) -> list[int]:
    """The regional bodies of a line; those of one département are left out."""
    if planned.organisations:
        found = served.filter(code__in=planned.organisations)
    else:
        found = served.filter(kind=planned.body.value, department=None)
    return list(found.order_by("pk").values_list("pk", flat=True))
