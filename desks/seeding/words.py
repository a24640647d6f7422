"""What an invented letter says: a few words over and over, and a rare one now and then."""

from random import Random
from typing import Any, Final

from desks.seeding.invented import Seeded
from desks.seeding.regions import Region
from letters.services import KIND
from workflow.legal_dates import add_months

_WORDS: Final = [
    "accès",
    "aux",
    "soins",
    "médecin",
    "traitant",
    "coordination",
    "parcours",
    "patients",
    "infirmière",
    "pharmacien",
    "kinésithérapeute",
    "prévention",
    "vaccination",
    "dépistage",
    "gériatrie",
    "diabète",
    "sages-femmes",
    "télémédecine",
    "permanence",
    "urgences",
    "hôpital",
    "maison",
    "de",
    "santé",
    "plan",
    "crise",
    "sanitaire",
    "soins",
    "non",
    "programmés",
    "domicile",
    "orthophoniste",
    "libéraux",
    "territoire",
    "réunion",
    "équipe",
    "pluriprofessionnelle",
    "messagerie",
    "sécurisée",
    "protocole",
    "addictologie",
    "pédiatrie",
    "psychiatrie",
    "insuffisance",
    "cardiaque",
    "nutrition",
]
_RARE: Final = ("baleine", "phare", "safran", "téléphérique", "hermine", "vannerie")


def text(random: Random, length: int) -> str:
    """So many words, and a hundredth of the time a rare one more."""
    words = random.choices(_WORDS, k=length)
    if random.random() < 0.01:
        words.append(random.choice(_RARE))
    return " ".join(words).capitalize() + "."


def content_of(random: Random, case: Seeded, region: Region, *, email: str) -> dict[str, Any]:
    """What is frozen of the letter: as much of it as lists, pages and the search read."""
    return {
        "kind": str(KIND),
        "title": case.name,
        "region": {"code": region.code, "name": region.code},
        "procedure": {
            "key": region.procedure[0],
            "version": region.procedure[1],
            "label": "Données de mesure",
        },
        "sections": [
            {
                "key": "project",
                "title": "Le projet",
                "heading": "Le projet",
                "part": "",
                "fields": [_field(rank, text(random, 25)) for rank in range(1, 5)],
            }
        ],
        "territory": [
            {
                "code": code,
                "name": name,
                "kind": "commune",
                "department": department,
                "department_name": department,
                "postal_codes": postal_codes,
                "population": population,
                "part_name": "",
                "part_population": None,
            }
            for (code, name, population, postal_codes), department in case.communes
        ],
        "summary": {
            "commune_count": len(case.communes),
            "population": case.population,
            "size_class": case.size,
            "below_floor": False,
            "declared_population": None,
            "declared_population_reason": "",
            "department_codes": case.departments,
            "cog_year": 2026,
            "population_year": 2023,
        },
        "attachments": [],
        "reference": case.reference,
        "version": 1,
        "deposited_at": case.at.isoformat(),
        "silence_date": add_months(case.at.date(), region.circuit.period.months).isoformat(),
        "office": {},
        "team": [{"name": f"Camille Mesure {case.lead}", "email": email, "role": "owner"}],
    }


def _field(rank: int, text: str) -> dict[str, Any]:
    key, label = f"text-{rank}", f"Réponse {rank}"
    display = {
        "key": key,
        "label": label,
        "blank": False,
        "lines": [text],
        "boxes": [],
        "pairs": [],
        "header": [],
        "rows": [],
        "row_headers": False,
    }
    return {
        "key": key,
        "kind": "long_text",
        "group": "",
        "label": label,
        "value": text,
        "display": display,
    }
