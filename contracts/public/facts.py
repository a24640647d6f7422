"""What anyone may know of the contracts in force: no name of a person, no sum, no account."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from django.db.models import OuterRef, Subquery
from django.urls import reverse

from communities.models import Community
from communities.stages import PublicPart
from contracts import terms
from contracts.funding.wording import mission_name
from contracts.models import Contract, ContractVersion
from contracts.terms import ContractTerms, from_data
from cpts_portal.words import day, figure
from workflow.models import Case
from workflow.states import CaseState

PUBLIC_STATES: Final = (CaseState.ACCEPTED, CaseState.CLOSED)
HEADINGS: Final[dict[str, str]] = {
    "cpts": "CPTS",
    "region": "Région",
    "region_code": "Code de la région",
    "engagement": "Code ANS de l’engagement",
    "form": "Nature",
    "finess": "FINESS",
    "rna": "RNA",
    "siret": "SIRET",
    "size_class": "Taille",
    "population": "Population",
    "population_year": "Année de la population",
    "signed_on": "Signé le",
    "starts_on": "Premier jour",
    "ends_on": "Dernier jour",
    "state": "État",
    "signed_outside": "Signé hors portail",
    "missions": "Missions",
    "communes": "Communes (codes INSEE)",
    "page": "Page publique",
}


def _says(row: Contract) -> ContractTerms:
    return from_data(getattr(row, "says_data", None) or {})


def _contracts() -> Any:
    last = ContractVersion.objects.filter(contract=OuterRef("pk")).order_by("-number")
    return (
        Contract.objects.filter(state__in=PUBLIC_STATES, signed_on__isnull=False)
        .select_related("community__region")
        .annotate(says_data=Subquery(last.values("terms")[:1]))
    )


def public_contract(community: Community) -> list[PublicPart]:
    """The contract of a CPTS on its public page, its last one; nothing before it is signed."""
    found = _contracts().filter(community=community).order_by("-signed_on", "-pk").first()
    if found is None:
        return []
    says = _says(found)
    rows = [
        ("Nature", found.get_form_display()),
        ("État", "Terminé" if found.state == CaseState.CLOSED else "En vigueur"),
        ("Taille", Case.SizeClass(found.size_class).label if found.size_class else ""),
        ("Signé le", day(found.signed_on)),
        ("Premier jour", day(found.starts_on)),
        ("Dernier jour", day(found.ends_on)),
        ("Population du contrat", _population(found)),
        ("Avec", ", ".join(one.name for one in says.parties if one.role != terms.CPTS)),
    ]
    lists = [
        ("Missions", [_mission(key, start) for key, start in says.mission_starts.items()]),
        ("Communes du contrat", [one.label for one in says.communes]),
    ]
    return [
        PublicPart(
            "Le contrat",
            [(term, value) for term, value in rows if value],
            [(name, items) for name, items in lists if items],
            reverse("contract-data:one", args=[community.public_id]),
            "Ces données pour un programme (JSON)",
        )
    ]


def _population(contract: Contract) -> str:
    if not contract.population:
        return ""
    year = f", {contract.population_year}" if contract.population_year else ""
    return f"{figure(contract.population)} habitants{year}"


def _mission(key: str, start: date | None) -> str:
    return f"{mission_name(key)}, à partir du {day(start)}" if start else mission_name(key)


def as_data(row: Contract, *, portal_url: str) -> dict[str, Any]:
    """A contract as open data; days are ISO texts."""
    says = _says(row)
    party = says.party(terms.CPTS)
    page = reverse("communities:public", args=[row.community.public_id])
    return {
        "cpts": row.title,
        "region": row.community.region.name,
        "region_code": row.community.region_id,
        # Of the terminology of the ANS; a CPOM is not in it.
        "engagement": terms.ANS_CODE if row.form == Contract.Form.ACI else "",
        "form": row.form,
        "finess": party.finess if party else "",
        "rna": party.rna if party else "",
        "siret": party.siret if party else "",
        "size_class": row.size_class,
        "population": row.population,
        "population_year": row.population_year,
        "signed_on": _iso(row.signed_on),
        "starts_on": _iso(row.starts_on),
        "ends_on": _iso(row.ends_on),
        "state": "ended" if row.state == CaseState.CLOSED else "in_force",
        "signed_outside": row.is_signed_outside,
        "missions": {key: _iso(start) for key, start in says.mission_starts.items()},
        "communes": [one.code for one in says.communes],
        "page": f"{portal_url}{page}",
    }


def _iso(one: date | None) -> str | None:
    return one.isoformat() if one else None


def read_one(community: Community, *, portal_url: str) -> dict[str, Any] | None:
    """The last signed contract of a CPTS as open data; None without any."""
    found = _contracts().filter(community=community).order_by("-signed_on", "-pk").first()
    return as_data(found, portal_url=portal_url) if found else None


def read_all(*, portal_url: str) -> Iterator[dict[str, Any]]:
    """Every signed contract, by name, in one query read piece by piece."""
    rows = _contracts().order_by("title", "pk")
    return (as_data(row, portal_url=portal_url) for row in rows.iterator(500))


def as_line(data: dict[str, Any]) -> Sequence[str]:
    """The same as a line of a spreadsheet, under `HEADINGS`."""

    def text(value: Any) -> str:
        match value:
            case None:
                return ""
            case bool():
                return "oui" if value else "non"
            case dict():
                return " ; ".join(f"{key} {start or ''}".strip() for key, start in value.items())
            case list():
                return " ".join(value)
        return str(value)

    return [text(data[key]) for key in HEADINGS]
