"""The columns of a file of existing CPTS, and what people call them."""

from collections.abc import Mapping
from typing import Final

from django.utils.timezone import localdate

from contracts.funding.ratebook import mission_labels
from cpts_portal.spreadsheets import plain

MISSION: Final = "mission:"
PAID: Final = "paid:"
# The first contracts of the agreement were signed in 2019.
_FIRST_YEAR: Final = 2019
NEEDED: Final = ("name", "signed_on")
# Key → heading, in the order of the model; those of the missions stand before the president's.
_BEFORE: Final[Mapping[str, str]] = {
    "name": "Nom de la CPTS",
    "region": "Région",
    "department": "Département",
    "association": "Association",
    "rna": "RNA",
    "siret": "SIRET",
    "finess": "FINESS",
    "address": "Adresse du siège",
    "postal_code": "Code postal",
    "city": "Ville",
    "communes": "Communes (codes INSEE)",
    "size": "Taille",
    "population": "Population",
    "population_year": "Année de la population",
    "letter_on": "Lettre d’intention validée le",
    "recognised_on": "CPTS reconnue le",
    "form": "Forme",
    "yearly": "Montant annuel (CPOM)",
    "signed_on": "Contrat signé le",
    "starts_on": "Premier jour",
    "ends_on": "Dernier jour",
    "cpam": "CPAM",
    "ars": "ARS",
}
_AFTER: Final[Mapping[str, str]] = {
    "paid": "Déjà payé",
    "paid_on": "Déjà payé au",
    "last_name": "Nom du président",
    "first_name": "Prénom du président",
    "email": "Adresse électronique du président",
    "file": "Fichier du contrat",
}
_OTHER_HEADINGS: Final[Mapping[str, str]] = {
    "cpts": "name",
    "nom": "name",
    "intitule": "name",
    "nom de l association": "association",
    "structure juridique": "association",
    "numero rna": "rna",
    "n rna": "rna",
    "numero siret": "siret",
    "n siret": "siret",
    "numero finess": "finess",
    "n finess": "finess",
    "finess juridique": "finess",
    "adresse": "address",
    "siege": "address",
    "cp": "postal_code",
    "commune du siege": "city",
    "communes": "communes",
    "codes insee": "communes",
    "code insee": "communes",
    "territoire": "communes",
    "taille de la cpts": "size",
    "classe": "size",
    "nombre d habitants": "population",
    "habitants": "population",
    "annee population": "population_year",
    "millesime de la population": "population_year",
    "date de la lettre": "letter_on",
    "lettre d intention": "letter_on",
    "date de la lettre d intention": "letter_on",
    "date de reconnaissance": "recognised_on",
    "projet de sante valide le": "recognised_on",
    "validation du projet de sante": "recognised_on",
    "nature": "form",
    "nature du contrat": "form",
    "type de contrat": "form",
    "date de signature": "signed_on",
    "montant annuel": "yearly",
    "signature": "signed_on",
    "date de signature aci": "signed_on",
    "signe le": "signed_on",
    "debut": "starts_on",
    "date de debut": "starts_on",
    "date d effet": "starts_on",
    "fin": "ends_on",
    "date de fin": "ends_on",
    "echeance": "ends_on",
    "caisse": "cpam",
    "agence": "ars",
    "deja verse": "paid",
    "montant deja paye": "paid",
    "montant deja verse": "paid",
    "total verse": "paid",
    "deja verse au": "paid_on",
    "date du deja paye": "paid_on",
    "president": "last_name",
    "prenom": "first_name",
    "courriel du president": "email",
    "mail du president": "email",
    "e mail du president": "email",
    "email": "email",
    "courriel": "email",
    "fichier": "file",
    "contrat numerise": "file",
    "nom du fichier": "file",
}
# A second file may give the territories, a line for each commune.
TERRITORY_COLUMNS: Final[Mapping[str, str]] = {"cpts": "CPTS", "commune": "Code INSEE"}
TERRITORY_HEADINGS: Final[Mapping[str, str]] = {
    "cpts": "cpts",
    "nom de la cpts": "cpts",
    "nom": "cpts",
    "rna": "cpts",
    "siret": "cpts",
    "code insee": "commune",
    "insee": "commune",
    "code commune": "commune",
    "codgeo": "commune",
    "code": "commune",
}


def columns() -> dict[str, str]:
    """The heading of each column by its key, in the order of the model."""
    missions = {
        f"{MISSION}{key}": f"{label}, début" for key, label in mission_labels().items() if key
    }
    years = {
        f"{PAID}{year}": f"Payé en {year}" for year in range(_FIRST_YEAR, localdate().year + 1)
    }
    return {**_BEFORE, **missions, **years, **_AFTER}


def headings() -> dict[str, str]:
    """The column of each heading that is known, as `cpts_portal.spreadsheets.plain` writes it."""
    found = dict(_OTHER_HEADINGS)
    for key, label in columns().items():
        found[plain(label)] = key
        if key.startswith(MISSION):
            found[plain(label.removesuffix(", début"))] = key
            found[plain(key.removeprefix(MISSION))] = key
        if key.startswith(PAID):
            found[plain(label.replace("Payé", "Versé"))] = key
    return found


def example() -> list[str]:
    """A row to follow, under the headings of the model."""
    given = {
        "name": "CPTS des Trois Rivières",
        "region": "Occitanie",
        "department": "81",
        "association": "Association CPTS des Trois Rivières",
        "rna": "W811234567",
        "siret": "12345678200010",
        "finess": "",
        "address": "4 place de la Mairie",
        "postal_code": "81500",
        "city": "Lavaur",
        "communes": "81140, 81116, 81271",
        "size": "Taille 1",
        "population": "21500",
        "population_year": "2021",
        "letter_on": "15/01/2021",
        "recognised_on": "01/12/2021",
        "form": "ACI",
        "yearly": "",
        "signed_on": "01/03/2022",
        "starts_on": "01/03/2022",
        "ends_on": "28/02/2027",
        "cpam": "CPAM du Tarn",
        "ars": "",
        "last_name": "Fabre",
        "first_name": "Claire",
        "email": "claire.fabre@exemple.fr",
        "file": "trois-rivieres.pdf",
    }
    given |= {f"{PAID}2022": "90 000", f"{PAID}2023": "182 500,50"}
    return [given.get(key, "01/09/2022" if key.startswith(MISSION) else "") for key in columns()]
