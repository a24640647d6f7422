"""A small valid procedure file, which each test breaks in one place."""

from pathlib import Path

SMALL = """\
key = "essai"
version = 1
label = "Essai"
region_code = ""
valid_from = 2026-01-01
reference_prefix = "LI"
commitment = "Je m’engage."

[document]
title = "Lettre"
subtitle = "pour une CPTS"
issuer = "ARS"

[addressee]
kind = "ars_branch"
label = "Bureau"

[size_rule]
thresholds = [40000, 80000, 175000]
note = "Bornes."
source = "Accord."

[floor]
inhabitants = 20000
is_warning = true
text = "Peu d’habitants."
source = "Cahier des charges."

[receipt]
title = "Accusé"
reception = "Reçu le {deposited_on}, référence {reference}."
service = "{office} {office_contact}"
silence = "Rejet le {silence_date}."
completeness = "Si complète."
remedies = "Recours."
legal_basis = "CRPA."

[circuit]

[circuit.period]
months = 2
silence = "refusal"
source = "CRPA."

[circuit.decision]
by = ["ars"]
source = "Usage."

[[attachments]]
key = "map"
label = "Carte"
accept = ["pdf"]

[[sections]]
key = "identity"
title = "Le projet"

[[sections.fields]]
key = "title"
kind = "text"
label = "Intitulé"
required = true
max_length = 200

[[sections.fields]]
key = "contact_name"
kind = "text"
label = "Nom"

[[sections.fields]]
key = "contact_profession"
kind = "text"
label = "Profession"

[[sections.fields]]
key = "contact_address"
kind = "paragraph"
label = "Adresse"

[[sections.fields]]
key = "contact_email"
kind = "email"
label = "Mail"

[[sections.fields]]
key = "contact_phone"
kind = "phone"
label = "Téléphone"

[[sections.fields]]
key = "stage"
kind = "choice"
label = "Avancement"
options = [
  { key = "idea", label = "Une idée" },
  { key = "team", label = "Une équipe" },
]

[[sections.fields]]
key = "team"
kind = "table"
label = "Équipe"
max_rows = 3
columns = [
  { key = "name", kind = "text", label = "Nom", required = true },
  { key = "since", kind = "month", label = "Depuis" },
  { key = "until", kind = "month", label = "Jusque", not_before = "since" },
]

[[sections.fields]]
key = "missions"
kind = "table"
label = "Missions"
rows_label = "Mission"
columns = [
  { key = "planned", kind = "yes_no", label = "Envisagée" },
  { key = "details", kind = "paragraph", label = "Détails", required_if = "planned" },
]
fixed_rows = [
  { key = "prevention", label = "Prévention" },
  { key = "other", label = "Autres", free_label = true },
]

[[sections]]
key = "territory"
title = "Le territoire"

[[sections.fields]]
key = "territory"
kind = "territory"
label = "Communes"

[[sections.fields]]
key = "population"
kind = "population"
label = "Population"

[[sections.fields]]
key = "size_class"
kind = "size_class"
label = "Taille"

[[sections.fields]]
key = "map"
kind = "attachment"

[[sections.fields]]
key = "signature"
kind = "signature"
label = "Signature"
"""


PROJECT = """\
[project]
missions = [
  { key = "prevention", label = "Prévention", is_core = true },
  { key = "quality", label = "Qualité" },
]
themes = [
  { key = "prevention", label = "Dépister", missions = ["prevention"] },
]
frameworks = [
  { key = "prs", label = "PRS" },
]
grounds = [
  { key = "prs", label = "Objectifs" },
  { key = "territory", label = "Territoire" },
]
grounds_source = "CSP."

[project.sheets]
minimum = 2
text = "Deux fiches."
source = "Cahier."

"""
PROJECT_FIELDS = """
[[sections.fields]]
key = "legal_entity"
kind = "legal_entity"
label = "Association"

[[sections.fields]]
key = "action_sheets"
kind = "action_sheets"
label = "Fiches"

[[sections.fields]]
key = "members"
kind = "members"
label = "Membres"
"""


def write_project(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write a small health project's file, each (old, new) replaced once."""
    head, slots, sections = SMALL.partition("[[attachments]]")
    text = head.replace('"essai"', '"projet"').replace(
        "version = 1", 'version = 1\nkind = "health_project"'
    )
    text += PROJECT + slots + sections + PROJECT_FIELDS
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "projet-1.toml"
    path.write_text(text, encoding="utf-8")
    return path


def write(folder: Path, *changes: tuple[str, str], name: str = "essai-1.toml") -> Path:
    """Write the small file with each (old, new) replaced once; `old` must be there."""
    text = SMALL
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
