"""The contract as a legal text: numbered articles and annexes, drawn from what was frozen.

The same text is read on screen while it is negotiated; what is to be confirmed is then said so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from contracts import terms as said
from contracts.funding.schedule import Engagement, Line, MissionStart, Terms, compute_schedule
from contracts.funding.storing import rates_from_data
from contracts.funding.wording import rule_of, working_of
from contracts.terms import ContractTerms, Indicator, from_data, plain, target_words
from contracts.texts import TextModel, filled, text_model
from cpts_portal.words import NBSP, euros, figure, long_date, the_body
from documents.french import french_spaces
from procedures.rates import RateTable, delivered_rates
from workflow.models import CaseDocument, Snapshot
from workflow.official import declare_readers, issue_once, whoever_sees_the_case

CONTRACT: Final = "contract"
# It says nothing more than the contract itself, which its parties alone see.
declare_readers(CONTRACT, whoever_sees_the_case)

BLANK: Final = "à compléter"
TO_CONFIRM: Final = "à confirmer"


@dataclass(frozen=True)
class ShownArticle:
    """An article as it is printed: « Article 3 – Missions de la CPTS »."""

    heading: str
    paragraphs: tuple[str, ...]
    items: tuple[str, ...]
    after: tuple[str, ...]


def issue_contract(snapshot: Snapshot) -> CaseDocument:
    """Issue the document that the parties sign, from what was frozen; once."""
    content = snapshot.content
    number = f"{content['reference']}-V{snapshot.version}"
    return issue_once(
        snapshot,
        kind=CONTRACT,
        number=number,
        title=f"{content['model']['title']} – {content['title']}",
        template="pdf/contract.html",
        context=lambda: {
            "contract": frozen_context(content, number),
            "created_at": content["frozen_at"],
        },
    )


def frozen_context(content: Mapping[str, Any], number: str) -> dict[str, Any]:
    """Context of `pdf/contract.html` from a frozen content."""
    model = text_model(content["model"]["key"], content["model"]["version"])
    return contract_context(
        from_data(content["terms"]),
        rates_from_data(content["rates"]),
        model,
        name=content["title"],
        number=number,
    )


def contract_context(
    terms: ContractTerms,
    rates: RateTable,
    model: TextModel,
    *,
    name: str,
    number: str = "",
) -> dict[str, Any]:
    """The contract in words: `number` is empty for a draft, whose blanks are said."""
    # The rates of a CPOM name no mission; its indicators do.
    labels = {one.key: one.label for one in (*delivered_rates().missions, *rates.missions)}
    values = _values(terms, rates, name)
    lists = {"missions": tuple(labels.get(one.key, one.key) for one in terms.missions)}
    return {
        "issuer": [one.name for one in terms.parties],
        "title": model.title,
        "name": french_spaces(name),
        "number": number or "Projet",
        "running": french_spaces(f"{number or 'Projet'} · {model.title} · {name}"),
        "notice": model.notice,
        "code": terms.ans_code,
        "starts_on": values["starts_on"],
        "ends_on": values["ends_on"],
        "parties": [_party(terms, one) for one in terms.parties],
        "visas": [french_spaces(one) for one in model.visas],
        "articles": _articles(terms, model, values, lists),
        "annexes": _annexes(terms, rates, labels),
        "signatures": [_signature(terms, one) for one in terms.parties],
    }


def _values(terms: ContractTerms, rates: RateTable, name: str) -> Mapping[str, str]:
    def party(role: str) -> str:
        found = terms.party(role)
        return the_body(found.name) if found else BLANK

    bank = ", ".join(part for part in (terms.bank.holder, terms.bank.masked_iban) if part)
    return {
        "cpts": f"la CPTS {name.removeprefix('CPTS ')}",
        "ars": party(said.ARS),
        "cpam": party(said.CPAM),
        "commune_count": figure(len({one.code for one in terms.communes})),
        "population": BLANK if terms.population is None else figure(terms.population),
        "population_year": str(terms.population_year or BLANK),
        "population_source": terms.population_source or "source " + BLANK,
        "size": f"taille {terms.size[1:]}" if terms.size else f"taille {BLANK}",
        "starts_on": long_date(terms.starts_on) if terms.starts_on else BLANK,
        "ends_on": long_date(terms.ends_on) if terms.ends_on else BLANK,
        "rates": rates.label,
        "yearly": BLANK if terms.yearly_amount is None else euros(terms.yearly_amount),
        "bank": bank or BLANK,
    }


_BEGUN: Final = re.compile(r"(?<=\.\s)l(?=’[A-Z]|[ae]\s[A-Z])")


def _articles(
    terms: ContractTerms,
    model: TextModel,
    values: Mapping[str, str],
    lists: Mapping[str, tuple[str, ...]],
) -> list[ShownArticle]:
    def words(texts: Sequence[str]) -> tuple[str, ...]:
        return tuple(_capital(french_spaces(filled(one, values))) for one in texts)

    found = []
    for rank, one in enumerate(model.articles, start=1):
        items = (
            lists[one.items]
            if one.items
            else tuple(french_spaces(filled(each, values)) for each in one.listed)
        )
        heading = french_spaces(f"Article {rank} – {one.title}")
        found.append(ShownArticle(heading, words(one.text), items, words(one.after)))
    first = len(found) + 1
    return found + [
        ShownArticle(
            french_spaces(f"Article {rank} – {clause.title}"),
            tuple(french_spaces(line) for line in clause.text.splitlines() if line.strip()),
            (),
            (),
        )
        for rank, clause in enumerate(terms.clauses, start=first)
    ]


def _capital(text: str) -> str:
    """A party that begins a sentence has its article in capitals: « L’ARS », « La CPAM »."""
    return _BEGUN.sub(lambda found: found[0].upper(), text[:1].upper() + text[1:])


def _party(terms: ContractTerms, party: said.Party) -> dict[str, Any]:
    numbers = {"FINESS": party.finess, "RNA": party.rna, "SIRET": party.siret}
    return {
        "label": {said.CPTS: "La CPTS", said.ARS: "L’agence régionale de santé"}.get(
            party.role, "La caisse primaire d’assurance maladie"
        ),
        "name": party.name,
        "lines": [
            line
            for line in (
                party.legal_form,
                party.address,
                ", ".join(f"{name} {value}" for name, value in numbers.items() if value),
            )
            if line
        ],
        "people": [_power(one) for one in terms.representatives_of(party.role)],
    }


def _power(one: said.Representative) -> str:
    name = ", ".join(part for part in (one.name, one.capacity) if part)
    if not one.act:
        return french_spaces(name)
    until = f", jusqu’au {long_date(one.valid_to)} inclus" if one.valid_to else ""
    return french_spaces(f"{name} ({one.act}{until})")


def _signature(terms: ContractTerms, party: said.Party) -> dict[str, Any]:
    return {
        "organisation": party.name,
        "people": [_power(one) for one in terms.representatives_of(party.role)]
        or ["Signature, prénom, nom et qualité"],
    }


# --- Annexes --------------------------------------------------------------------------------------


def _annexes(terms: ContractTerms, rates: RateTable, labels: Mapping[str, str]) -> dict[str, Any]:
    return {
        "communes": [one.label for one in terms.communes],
        "year": terms.territory_year,
        "missions": [
            {
                "label": labels.get(one.key, one.key),
                "kind": "facultative" if _is_optional(one.key, rates) else "obligatoire",
                "starts_on": long_date(one.starts_on) if one.starts_on else BLANK,
                "deployed_on": long_date(one.deployed_on) if one.deployed_on else "–",
            }
            for one in terms.missions
        ],
        "indicators": [
            _indicator(one, labels.get(one.mission, one.mission)) for one in terms.indicators
        ],
        "money": money_of(terms, rates, labels),
        "most": "" if terms.form == said.CPOM else " au plus, hors crise",
        "sheets": [
            {
                "title": french_spaces(one.title),
                "reference": one.reference,
                "missions": ", ".join(one.missions),
                "summary": [french_spaces(line) for line in one.summary.splitlines() if line],
            }
            for one in terms.sheets
        ],
    }


def _is_optional(key: str, rates: RateTable) -> bool:
    return any(one.key == key and one.is_optional for one in rates.missions)


def _indicator(one: Indicator, mission: str) -> dict[str, Any]:
    start = "–"
    if one.baseline is not None:
        year = f" ({one.baseline_year})" if one.baseline_year else ""
        start = f"{plain(one.baseline)}{NBSP}{one.unit}".strip() + year
    return {
        "mission": mission,
        "label": french_spaces(one.label),
        "kind": said.INDICATOR_KINDS[one.kind],
        "weight": plain(one.weight),
        "start": start,
        "targets": [
            french_spaces(f"Année {each.year} : {target_words(one, each)}") for each in one.targets
        ],
        "proofs": [french_spaces(each) for each in one.proofs],
    }


def money_of(terms: ContractTerms, rates: RateTable, labels: Mapping[str, str]) -> dict[str, Any]:
    """The schedule as the parties would sign it: by year, with its rules, rates and sources.

    What no source confirms is said so; what cannot be worked out has a sentence and no line.
    """
    if terms.form == said.CPOM and terms.yearly_amount is None:
        return {"years": [], "problems": ["L’aide annuelle reste à écrire."], "sources": []}
    if terms.starts_on is None or terms.ends_on is None or terms.ends_on < terms.starts_on:
        return {"years": [], "problems": ["Les dates du contrat manquent."], "sources": []}
    missions = tuple(MissionStart(one.key, one.starts_on) for one in terms.missions)
    engagement = Engagement(
        terms.starts_on,
        terms.ends_on,
        (Terms(terms.starts_on, terms.size, missions, rates),),
        signed_on=terms.starts_on,
    )
    schedule = compute_schedule(engagement)
    sources = list(dict.fromkeys(one for line in schedule.lines for one in line.sources))
    by_year = sorted(schedule.lines, key=lambda one: one.year)
    return {
        "years": [
            {
                "number": year,
                "total": euros(schedule.total(year)),
                "rows": [_row(one, labels, sources) for one in lines],
            }
            for year, lines in groupby(by_year, key=lambda one: one.year)
        ],
        "total": euros(schedule.total()),
        "problems": list(schedule.problems),
        "sources": sources,
    }


def _row(line: Line, labels: Mapping[str, str], sources: Sequence[str]) -> dict[str, str]:
    ranks = ", ".join(str(sources.index(one) + 1) for one in line.sources)
    unsure = "" if line.is_confirmed else f", tarif {TO_CONFIRM}"
    return {
        "due_on": long_date(line.due_on),
        "mission": labels.get(line.mission, "Fonctionnement") if line.mission else "Fonctionnement",
        "rule": french_spaces(rule_of(line)),
        "working": f"{working_of(line)}{unsure} [{ranks}]",
        "amount": euros(line.amount),
    }
