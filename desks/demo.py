"""The people of a demonstration, one for each role, and what they wrote."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction

from accounts.models import Membership, Organisation, User
from communities.models import Community, TeamMember
from letters import services
from letters.json_import import import_file, read_json
from letters.models import LetterOfIntent
from territories.models import Region
from territories.services import add_communes
from writing import services as writing_services
from writing.content import procedure_of

# Known to everyone: `load_demo` refuses to run anywhere but in a demonstration.
PASSWORD: Final = "Portail-CPTS-2026"  # noqa: S105 - public on purpose


@dataclass(frozen=True)
class DemoAccount:
    """A person of the demonstration."""

    email: str
    first_name: str
    last_name: str
    # What the table of accounts says of them.
    title: str
    profession: str = ""
    # In which organisation, by its code, they hold which role.
    organisation: str = ""
    role: str = ""
    is_administrator: bool = False


def _agent(name: str, title: str, organisation: str, role: str) -> DemoAccount:
    """Someone whose address says their desk: « guichet.occitanie@exemple.test »."""
    key, first_name, last_name = name.split(" ")
    return DemoAccount(
        f"{key}@exemple.test",
        first_name,
        last_name,
        title,
        organisation=organisation,
        role=role,
    )


_ROLE: Final = Membership.Role
# Those who write are the people of `fixtures/scenarios`.
ACCOUNTS: Final = (
    DemoAccount(
        "claire.fabre@exemple.test",
        "Claire",
        "Fabre",
        "Porteuse de projet, Occitanie",
        "Médecin généraliste",
    ),
    DemoAccount(
        "mathieu.rouquette@exemple.test",
        "Mathieu",
        "Rouquette",
        "Rédacteur de la même CPTS",
        "Pharmacien",
    ),
    DemoAccount(
        "paul.cazals@exemple.test",
        "Paul",
        "Cazals",
        "Lecteur de la même CPTS",
        "Masseur-kinésithérapeute",
    ),
    DemoAccount(
        "olivier.delattre@exemple.test",
        "Olivier",
        "Delattre",
        "Porteur de projet, Hauts-de-France",
        "Médecin généraliste",
    ),
    DemoAccount(
        "amelie.hernu@exemple.test",
        "Amélie",
        "Hernu",
        "Porteuse d’un projet sur deux départements",
        "Sage-femme",
    ),
    DemoAccount(
        "gwenaelle.leroux@exemple.test",
        "Gwenaëlle",
        "Le Roux",
        "Porteuse de projet, Pays de la Loire",
        "Infirmière",
    ),
    _agent(
        "guichet.occitanie Michel Roques",
        "Guichet CPTS Occitanie, relecteur",
        "guichet-cpts-occitanie",
        _ROLE.REVIEWER,
    ),
    _agent(
        "coordination.guichet Mireille Astruc",
        "Guichet CPTS Occitanie, coordinatrice",
        "guichet-cpts-occitanie",
        _ROLE.COORDINATOR,
    ),
    _agent(
        "president.urps Hélène Castan",
        "URPS Médecins libéraux Occitanie, présidente",
        "urps-medecins-occitanie",
        _ROLE.PRESIDENT,
    ),
    _agent(
        "relecteur.urps Denis Escande",
        "URPS Infirmiers Occitanie, relecteur",
        "urps-infirmiers-occitanie",
        _ROLE.REVIEWER,
    ),
    _agent(
        "ars.occitanie Nadia Ferrand",
        "ARS Occitanie, coordinatrice régionale",
        "ars-occitanie",
        _ROLE.COORDINATOR,
    ),
    _agent(
        "signataire.occitanie Bernard Vidal",
        "ARS Occitanie, signataire",
        "ars-occitanie",
        _ROLE.SIGNATORY,
    ),
    _agent(
        "ars.pas-de-calais Lucie Vasseur",
        "ARS Hauts-de-France, agente du Pas-de-Calais",
        "ars-hauts-de-france-62",
        _ROLE.AGENT,
    ),
    _agent(
        "ars.oise Thomas Lemaire",
        "ARS Hauts-de-France, agent de l’Oise",
        "ars-hauts-de-france-60",
        _ROLE.AGENT,
    ),
    _agent(
        "ars.somme Sophie Carpentier",
        "ARS Hauts-de-France, agente de la Somme",
        "ars-hauts-de-france-80",
        _ROLE.AGENT,
    ),
    _agent(
        "ars.hauts-de-france Julien Caron",
        "ARS Hauts-de-France, coordinateur régional",
        "ars-hauts-de-france",
        _ROLE.COORDINATOR,
    ),
    _agent(
        "signataire.hauts-de-france Hélène Delvaux",
        "ARS Hauts-de-France, signataire",
        "ars-hauts-de-france",
        _ROLE.SIGNATORY,
    ),
    _agent(
        "cpam.pas-de-calais Marc Lefebvre",
        "CPAM du Pas-de-Calais, signataire",
        "cpam-62",
        _ROLE.SIGNATORY,
    ),
    _agent(
        "signataire.pays-de-la-loire Yves Guillou",
        "ARS Pays de la Loire, signataire",
        "ars-pays-de-la-loire",
        _ROLE.SIGNATORY,
    ),
    _agent(
        "ars.pays-de-la-loire Anne Rousseau",
        "ARS Pays de la Loire, agente",
        "ars-pays-de-la-loire",
        _ROLE.AGENT,
    ),
    _agent("cpam.tarn Olivier Marty", "CPAM du Tarn, agent", "cpam-81", _ROLE.AGENT),
    _agent(
        "comite.pays-de-la-loire Isabelle Moreau",
        "Comité régional de suivi des Pays de la Loire, secrétaire",
        "comite-regional-de-suivi-pays-de-la-loire",
        _ROLE.SECRETARY,
    ),
    DemoAccount(
        "administration@exemple.test",
        "Camille",
        "Durand",
        "Administratrice du portail",
        is_administrator=True,
    ),
)


@transaction.atomic
def make_accounts(people: Sequence[DemoAccount] = ACCOUNTS) -> int:
    """Have these people ready to sign in, or no one; returns how many accounts are new.

    What is already there is left as it is. Raises Organisation.DoesNotExist before
    `load_organisations`.
    """
    return sum(_make_account(person) for person in people)


def _make_account(person: DemoAccount) -> bool:
    user = User.objects.filter(email=person.email).first()
    is_new = user is None
    if user is None:
        user = User.objects.create_user(
            person.email,
            PASSWORD,
            first_name=person.first_name,
            last_name=person.last_name,
            profession=person.profession,
            is_staff=person.is_administrator,
            is_superuser=person.is_administrator,
        )
    elif not user.has_usable_password():
        # Somebody imported a letter of theirs before.
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
    EmailAddress.objects.get_or_create(
        user=user, email=person.email, defaults={"verified": True, "primary": True}
    )
    if person.organisation:
        organisation = Organisation.objects.get(code=person.organisation)
        Membership.objects.get_or_create(user=user, organisation=organisation, role=person.role)
    return is_new


def scenarios() -> list[Path]:
    """The letters that come with the portal: a demonstration has each of them deposited."""
    return sorted((settings.BASE_DIR / "fixtures" / "scenarios").glob("*.json"))


def deposit_scenario(path: Path) -> str:
    """Import and deposit a letter as `import_letter` does; returns its reference.

    Returns "" when its owner has that CPTS already. Its documents and mails are left to the
    worker. Raises ImportRefusedError for a file the portal does not take.
    """
    told = read_json(path)
    known = Community.objects.filter(
        name=told["answers"]["title"], team_members__user__email=told["owner"]["email"]
    )
    if known.exists():
        return ""
    return str(import_file(path, deposit=True).letter.reference)


DRAFT_NAME: Final = "CPTS Montagne Noire"
# Mazamet, Labruguière and the villages around them.
_DRAFT_COMMUNES: Final = ("81163", "81120", "81021", "81209", "81204", "81238", "81036")
_DRAFT_ANSWERS: Final[dict[str, Any]] = {
    "written_on": "2026-11-02",
    "contact_phone": "05 63 61 00 00",
    "contact_address": "12 rue du Moulin\n81200 Mazamet",
    "prediagnosis": (
        "Le bassin de Mazamet a perdu quatre médecins généralistes en cinq ans. Les patients "
        "sans médecin traitant se tournent vers les urgences de Castres."
    ),
    "team": [
        {"name": "Claire Fabre", "profession": "Médecin généraliste"},
        {"name": "Mathieu Rouquette", "profession": "Pharmacien"},
    ],
}


@transaction.atomic
def make_draft() -> bool:
    """Have a letter left unfinished, on which a team of three works; returns whether it is new."""
    owner, editor, reader = (
        User.objects.get(email=f"{name}@exemple.test")
        for name in ("claire.fabre", "mathieu.rouquette", "paul.cazals")
    )
    if Community.objects.filter(name=DRAFT_NAME, team_members__user=owner).exists():
        return False
    letter = services.create_letter(
        name=DRAFT_NAME, region=Region.objects.get(code="76"), user=owner
    )
    for person, role in ((editor, TeamMember.Role.EDITOR), (reader, TeamMember.Role.READER)):
        TeamMember.objects.create(community=letter.community, user=person, role=role)
    _answer(letter, owner)
    add_communes(letter.community.territory, list(_DRAFT_COMMUNES))
    return True


def _answer(letter: LetterOfIntent, user: User) -> None:
    procedure = procedure_of(letter)
    for key, value in _DRAFT_ANSWERS.items():
        writing_services.save_answer(
            letter, procedure.field(key), value, user=user, base_revision=None
        )
