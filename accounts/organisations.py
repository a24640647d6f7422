"""Which organisation serves a place: the look-ups that routing stands on."""

from collections.abc import Collection

from accounts.models import Organisation

Kind = Organisation.Kind


def regional_agency(region_code: str) -> Organisation:
    """The ARS of a region. Raises Organisation.DoesNotExist before `load_organisations`."""
    return Organisation.objects.get(kind=Kind.ARS, region_id=region_code)


def one_stop_desk(region_code: str) -> Organisation:
    """The Guichet of a region. Raises Organisation.DoesNotExist where there is none."""
    return Organisation.objects.get(kind=Kind.ONE_STOP_DESK, region_id=region_code)


def offices_for(region_code: str, department_codes: Collection[str]) -> list[Organisation]:
    """The ARS offices of these départements, inside the region."""
    return list(
        Organisation.objects.filter(
            kind=Kind.ARS_BRANCH, region_id=region_code, department_id__in=department_codes
        ).order_by("department_id")
    )


def office_for(region_code: str, department_code: str) -> Organisation:
    """The ARS office of a département; the regional agency where it has none of its own.

    Raises Organisation.DoesNotExist before `load_organisations`.
    """
    offices = offices_for(region_code, [department_code])
    return offices[0] if offices else regional_agency(region_code)
