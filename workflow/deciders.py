"""The bodies that decide on a case, as its region says."""

from dataclasses import dataclass

from accounts.models import Organisation
from accounts.organisations import regional_agency
from procedures.circuit import Decider
from procedures.decisions import Outcome
from workflow import decision_text
from workflow.consultations import circuit_of
from workflow.models import Case, Decision


@dataclass(frozen=True)
class DecidingBody:
    """A body that decides: by what title, and which organisation; None when none is known."""

    decider: Decider
    organisation: Organisation | None


def deciding_bodies(case: Case) -> list[DecidingBody]:
    """Who decides on a case, in the order of its circuit.

    The agency of its region; the CPAM of the département whose office is in charge, else of the
    one where most of the territory's people live.
    """
    return [DecidingBody(one, _decider(one, case)) for one in circuit_of(case).decision.by]


def deciding_bodies_on(decision: Decision) -> list[DecidingBody]:
    """Those who sign this decision: all who decide, or the one to whom the law gives a refusal."""
    bodies = deciding_bodies(decision.case)
    alone = decision_text.words_of(decision.case.kind).refused_by
    if alone is None or decision.outcome != Outcome.REFUSE:
        return bodies
    return [body for body in bodies if body.decider == alone]


def _decider(decider: Decider, case: Case) -> Organisation | None:
    if decider == Decider.ARS:
        return regional_agency(case.region_id)
    here = case.office.department_id if case.office else None
    ordered = [*([here] if here else []), *case.department_codes]
    found = {
        one.department_id: one
        for one in Organisation.objects.filter(
            kind=Organisation.Kind.CPAM, region_id=case.region_id, department_id__in=ordered
        ).order_by("-name", "-pk")
    }
    return next((found[code] for code in ordered if code in found), None)
