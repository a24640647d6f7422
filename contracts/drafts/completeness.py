"""What the terms of a contract still lack, section by section: what keeps them from being frozen.

Pure but for what it is given: the rates, the territory as it is today, today.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from contracts import terms as said
from contracts.describing import Ground
from contracts.funding.schedule import Engagement, MissionStart, Terms, compute_schedule, five_years
from contracts.terms import ContractTerms
from cpts_portal.words import NBSP, day, figure
from procedures.rates import RateTable
from territories.population import size_class
from workflow.legal_dates import add_months

# A CPOM lasts two years at most (agency of Pays de la Loire, specifications of 2019, annex).
CPOM_YEARS = 2


@dataclass(frozen=True)
class Lack:
    """Something missing or wrong in a section, as a French sentence."""

    section: str
    sentence: str


@dataclass(frozen=True)
class Surroundings:
    """What a draft is read against. `ground`: the territory today, which may have moved on.

    `limits`: months after the signature by which each mission starts.
    """

    rates: RateTable
    ground: Ground | None
    today: date
    limits: tuple[tuple[str, int], ...] = ()


# What is given says it all: the pages of a draft, and each person who reads them, ask it again.
@lru_cache(maxsize=512)
def lacks(terms: ContractTerms, around: Surroundings) -> tuple[Lack, ...]:
    """Everything that keeps the terms from being frozen to sign, in the order of the contract."""
    found = [
        *_parties(terms),
        *_representatives(terms, around.today),
        *_territory(terms, around.ground),
        *_size(terms),
        *_missions(terms, around),
        *_indicators(terms, around.rates),
        *_duration(terms),
        *_rates(terms, around),
    ]
    order = list(said.SECTIONS)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: order.index(one.section)))


def _parties(terms: ContractTerms) -> Iterator[Lack]:
    for role in said.PARTIES_OF[terms.form]:
        party = terms.party(role)
        if party is None or not party.name:
            yield Lack("parties", f"{said.PARTY_LABELS[role]}{NBSP}: écrivez son nom.")
    cpts = terms.party(said.CPTS)
    if cpts is None:
        return
    if not cpts.legal_form:
        yield Lack(
            "parties",
            (
                "La CPTS contracte par son association, que le portail ne connaît pas"
                f"{NBSP}: écrivez son nom et sa forme, ou ajoutez-la à la page «{NBSP}Association"
                f"{NBSP}» de la CPTS puis reprenez-la ici."
            ),
        )
    if not cpts.siret and not cpts.rna:
        yield Lack(
            "parties",
            (
                f"L’association n’a ni numéro RNA ni numéro SIRET{NBSP}: écrivez au moins l’un des "
                "deux, le contrat la désigne ainsi."
            ),
        )


def _representatives(terms: ContractTerms, today: date) -> Iterator[Lack]:
    for role in said.PARTIES_OF[terms.form]:
        if not terms.representatives_of(role):
            yield Lack(
                "representatives",
                (
                    f"{said.PARTY_LABELS[role]}{NBSP}: personne ne signe pour elle. Désignez un "
                    "représentant qui en a le pouvoir."
                ),
            )
    for sentence in signer_faults(terms, today):
        yield Lack("representatives", sentence)


def signer_faults(terms: ContractTerms, today: date) -> Iterator[str]:
    """What keeps those named from signing: each signs once, in a capacity, by a power in force."""
    known = [_person(one) for one in terms.representatives]
    for one in terms.representatives:
        if not one.capacity.strip():
            yield f"Dites en quelle qualité signe {one.name}."
        if _person(one) and known.count(_person(one)) > 1:
            yield (
                f"{one.name} signe deux fois{NBSP}: chaque signataire a son propre compte ou sa "
                "propre adresse électronique. Corrigez l’une des deux, ou retirez-la."
            )
        if one.valid_to and one.valid_to < today:
            yield (
                f"Le pouvoir de signer de {one.name} a pris fin le {day(one.valid_to)}{NBSP}: "
                "faites renouveler l’acte, ou désignez une autre personne."
            )


def _person(one: said.Representative) -> str:
    return f"account {one.user}" if one.user else one.email


def _territory(terms: ContractTerms, ground: Ground | None) -> Iterator[Lack]:
    if not terms.communes:
        yield Lack("territory", f"Le territoire est vide{NBSP}: reprenez celui de la CPTS.")
    if terms.population is None or not terms.population_year or not terms.population_source:
        yield Lack(
            "territory",
            (
                f"La population, son année ou sa source manque{NBSP}: le contrat les fige "
                "toutes les trois."
            ),
        )
    if terms.starts_on and terms.population_year and terms.population_year > terms.starts_on.year:
        yield Lack(
            "territory",
            (
                f"La population serait celle de {terms.population_year}, après le premier jour "
                f"du contrat{NBSP}: vérifiez l’année."
            ),
        )
    yield from stale_ground(terms, ground)


def stale_ground(terms: ContractTerms, ground: Ground | None) -> Iterator[Lack]:
    """What the territory of the CPTS has become since the draft took it, class included."""
    if ground is None or not terms.communes:
        return
    if set(ground.communes) != set(terms.communes):
        yield Lack(
            "territory",
            (
                "Le territoire de la CPTS a changé depuis que le projet l’a repris "
                f"({len(terms.communes)} communes ici, {len(ground.communes)} aujourd’hui)"
                f"{NBSP}: reprenez-le avant de figer."
            ),
        )
    elif ground.population_year == terms.population_year and ground.population not in {
        None,
        terms.population,
    }:
        yield Lack(
            "territory",
            (
                f"La population du territoire est maintenant de {figure(ground.population or 0)} "
                f"habitants, le projet dit {figure(terms.population or 0)}{NBSP}: reprenez-la "
                "avant de figer."
            ),
        )
    if ground.size and terms.size and ground.size != terms.size:
        yield Lack(
            "size",
            (
                f"La CPTS est maintenant de taille {ground.size[1:]}, le projet dit taille "
                f"{terms.size[1:]}{NBSP}: reprenez le territoire, sa population et sa taille avant "
                "de figer."
            ),
        )


def _size(terms: ContractTerms) -> Iterator[Lack]:
    if terms.form == said.CPOM:
        return
    if not terms.size:
        yield Lack("size", f"La taille n’est pas dite{NBSP}: choisissez-la.")
    elif terms.population is not None and size_class(terms.population) != terms.size:
        yield Lack(
            "size",
            (
                f"{figure(terms.population)}{NBSP}habitants font une taille "
                f"{size_class(terms.population)[1:]}, le projet dit taille {terms.size[1:]}{NBSP}: "
                "accordez l’une à l’autre."
            ),
        )


def _missions(terms: ContractTerms, around: Surroundings) -> Iterator[Lack]:
    if terms.form == said.CPOM:
        return
    labels = {one.key: one.label for one in around.rates.missions}
    for one in around.rates.missions:
        if not one.is_optional and terms.mission(one.key) is None:
            yield Lack("missions", f"{one.label}{NBSP}: cette mission est obligatoire, ajoutez-la.")
    limits = dict(around.limits)
    for mission in terms.missions:
        label = labels.get(mission.key, mission.key)
        if mission.starts_on is None:
            yield Lack(
                "missions",
                (
                    f"{label}{NBSP}: la mission n’a pas de date de début. Donnez-lui une date, ou "
                    "retirez-la si elle est facultative."
                ),
            )
            continue
        yield from _mission_dates(terms, mission, label, limits.get(mission.key))


def _mission_dates(
    terms: ContractTerms, mission: said.MissionTerm, label: str, months: int | None
) -> Iterator[Lack]:
    start = mission.starts_on
    if start is None:
        return
    if terms.starts_on and start < terms.starts_on:
        yield Lack(
            "missions",
            (
                f"{label}{NBSP}: la mission commencerait le {day(start)}, avant le premier jour du "
                f"contrat, le {day(terms.starts_on)}. Corrigez l’une des deux dates."
            ),
        )
    if terms.ends_on and start > terms.ends_on:
        yield Lack(
            "missions",
            (
                f"{label}{NBSP}: la mission commencerait le {day(start)}, après la fin du contrat, "
                f"le {day(terms.ends_on)}. Corrigez sa date."
            ),
        )
    if mission.deployed_on and mission.deployed_on < start:
        yield Lack(
            "missions",
            f"{label}{NBSP}: la mission serait en place avant de commencer. Corrigez ses dates.",
        )
    if months and terms.starts_on and start > add_months(terms.starts_on, months):
        yield Lack(
            "missions",
            (
                f"{label}{NBSP}: la mission commence au plus tard {months} mois après la "
                f"signature, soit le {day(add_months(terms.starts_on, months))} pour un contrat "
                "signé à son premier jour. Avancez sa date."
            ),
        )


def _indicators(terms: ContractTerms, rates: RateTable) -> Iterator[Lack]:
    labels = {one.key: one.label for one in rates.missions}
    if terms.form != said.CPOM and (found := unmeasured(terms)):
        names = ", ".join(labels.get(key, key) for key in found)
        wanted = "cette mission" if len(found) == 1 else "ces missions"
        yield Lack(
            "indicators",
            (
                f"{names}{NBSP}: aucun indicateur ne suit {wanted}. Choisissez-en au moins un "
                f"{'' if len(found) == 1 else 'pour chacune '}dans la bibliothèque, ou écrivez le "
                "vôtre."
            ),
        )
    chosen = {one.key for one in terms.missions}
    for one in terms.indicators:
        if terms.form != said.CPOM and one.mission not in chosen:
            yield Lack(
                "indicators",
                (
                    f"{one.label}{NBSP}: sa mission n’est pas dans le contrat. Retirez "
                    "l’indicateur, ou ajoutez la mission."
                ),
            )
        if not one.targets:
            yield Lack(
                "indicators",
                f"{one.label}{NBSP}: aucune année n’a de cible. Écrivez au moins la première.",
            )


def unmeasured(terms: ContractTerms) -> tuple[str, ...]:
    """The missions that no indicator of the terms follows, in their order."""
    return tuple(one.key for one in terms.missions if not terms.indicators_of(one.key))


def _duration(terms: ContractTerms) -> Iterator[Lack]:
    starts, ends = terms.starts_on, terms.ends_on
    if starts is None or ends is None:
        yield Lack(
            "duration", f"Le premier ou le dernier jour du contrat manque{NBSP}: écrivez les deux."
        )
        return
    if ends < starts:
        yield Lack(
            "duration",
            (
                f"Le contrat finirait le {day(ends)}, avant de commencer le {day(starts)}"
                f"{NBSP}: corrigez l’une des deux dates."
            ),
        )
    elif terms.form == said.CPOM and ends >= add_months(starts, 12 * CPOM_YEARS):
        yield Lack(
            "duration",
            f"Un CPOM dure deux ans au plus{NBSP}: rapprochez son dernier jour.",
        )
    elif terms.form != said.CPOM and ends > five_years(starts):
        yield Lack(
            "duration",
            (
                f"Un contrat tripartite dure cinq ans{NBSP}: commencé le {day(starts)}, il finit "
                f"au plus tard le {day(five_years(starts))}."
            ),
        )


def _rates(terms: ContractTerms, around: Surroundings) -> Iterator[Lack]:
    """What keeps the schedule from being signed: rates that no source confirms, first of all."""
    starts, ends = terms.starts_on, terms.ends_on
    if starts is None or ends is None or ends < starts:
        return
    if terms.form == said.CPOM and terms.yearly_amount is None:
        return
    dated = tuple(
        MissionStart(one.key, one.starts_on) for one in terms.missions if one.starts_on is not None
    )
    engagement = Engagement(starts, ends, (Terms(starts, terms.size, dated, around.rates),))
    already = {one.sentence for one in _missions(terms, around)}
    for sentence in compute_schedule(engagement).problems:
        if (terms.size or terms.form == said.CPOM) and sentence not in already:
            yield Lack("rates", sentence)
