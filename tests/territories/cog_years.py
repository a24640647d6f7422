"""A few real communes as the COG of 2024 knew them, in the files of today.

Facts of the public package of administrative divisions, versions 4.1.0 (2024) and 6.0.0 (2026):
three communes of Corrèze merge, one of Cantal splits into five, one of Aveyron changes code.
Between 2025 and 2026 no commune merges or splits; nineteen change names.
"""

from dataclasses import replace

from territories import loading, reference
from territories.reference import ReferenceData, Row

UZERCHE, LUBERSAC = "241927243", "200066603"
HAUTES_TERRES, CONQUES = "200066637", "241200641"

COMMUNES: dict[int, list[Row]] = {
    2024: [
        ("12076", "commune", "Conques-en-Rouergue", "12", "", CONQUES, "12320", "1555"),
        (
            "15141",
            "commune",
            "Neussargues en Pinatelle",
            "15",
            "",
            HAUTES_TERRES,
            "15170 15300",
            "1577",
        ),
        ("19223", "commune", "Saint-Martin-Sepert", "19", "", LUBERSAC, "19210", "267"),
        ("19230", "commune", "Saint-Pardoux-Corbier", "19", "", LUBERSAC, "19210", "383"),
        ("19248", "commune", "Saint-Ybard", "19", "", UZERCHE, "19140", "717"),
        ("12083", "commune", "Cransac", "12", "", "200067163", "12110", "1258"),
    ],
    2026: [
        ("12218", "commune", "Conques-en-Rouergue", "12", "", CONQUES, "12320", "1540"),
        ("15031", "commune", "Celles", "15", "", HAUTES_TERRES, "15170", "217"),
        ("15035", "commune", "Chalinargues", "15", "", HAUTES_TERRES, "15170", "304"),
        ("15047", "commune", "Chavagnac", "15", "", HAUTES_TERRES, "15300", "88"),
        ("15141", "commune", "Neussargues-Moissac", "15", "", HAUTES_TERRES, "15170", "824"),
        ("15171", "commune", "Sainte-Anastasie", "15", "", HAUTES_TERRES, "15170", "122"),
        ("19248", "commune", "Les Trois-Saints", "19", "", UZERCHE, "19140 19210", "1388"),
    ],
}
FORMER: dict[int, list[Row]] = {
    2024: [
        ("12076", "deleguee", "Conques", "12076"),
        ("12114", "deleguee", "Grand-Vabre", "12076"),
        ("12173", "deleguee", "Noailhac", "12076"),
        ("12218", "deleguee", "Saint-Cyprien-sur-Dourdou", "12076"),
        ("15031", "deleguee", "Celles", "15141"),
        ("15035", "deleguee", "Chalinargues", "15141"),
        ("15047", "deleguee", "Chavagnac", "15141"),
        ("15141", "deleguee", "Neussargues-Moissac", "15141"),
        ("15171", "deleguee", "Sainte-Anastasie", "15141"),
    ],
    2026: [
        ("12076", "deleguee", "Conques", "12218"),
        ("12114", "deleguee", "Grand-Vabre", "12218"),
        ("12173", "deleguee", "Noailhac", "12218"),
        ("12218", "deleguee", "Saint-Cyprien-sur-Dourdou", "12218"),
        ("19223", "deleguee", "Saint-Martin-Sepert", "19248"),
        ("19230", "deleguee", "Saint-Pardoux-Corbier", "19248"),
        ("19248", "deleguee", "Saint-Ybard", "19248"),
    ],
}
_TOUCHED = {row[0] for rows in COMMUNES.values() for row in rows}
_FORMER = {row[0] for rows in FORMER.values() for row in rows}


def in_force_today() -> ReferenceData:
    """The files of the portal: COG 2026, legal populations of 2023."""
    return reference.read(loading.default_source())


def as_in_2024(today: ReferenceData) -> ReferenceData:
    """The same country where the few communes above are those of 2024."""
    rows = dict(today.rows)
    epci = [*rows["intercommunalities"]]
    if not any(row[0] == LUBERSAC for row in epci):
        epci.append((LUBERSAC, "CC", "CC du Pays de Lubersac-Pompadour"))
    rows["intercommunalities"] = epci
    known = {row[0] for row in epci}
    older = [row if row[5] in known else (*row[:5], "", *row[6:]) for row in COMMUNES[2024]]
    kept = [row for row in rows["communes"] if row[0] not in _TOUCHED]
    rows["communes"] = sorted([*kept, *older])
    former = [row for row in rows["former_communes"] if row[0] not in _FORMER]
    rows["former_communes"] = sorted([*former, *FORMER[2024]])
    return replace(
        today, cog_year=2024, population_year=2022, source="COG 2024", digest="4" * 64, rows=rows
    )


def load_2024() -> ReferenceData:
    """Put the communes of 2024 in force; return the files of today, to be loaded next."""
    today = in_force_today()
    loading.load_data(as_in_2024(today))
    return today
