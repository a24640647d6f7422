"""Who may do what, state by state: a table each kind of case writes once, drawn in the docs.

It is said apart from the rules that enforce it, so that each is checked against the other: a test
has everyone try everything in every state.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from accounts.models import Membership, Organisation
from procedures.circuit import Circuit
from procedures.documentation import SILENCE_WORDS
from procedures.schema import Procedure
from workflow.models import Case
from workflow.states import CaseState


@dataclass(frozen=True, order=True)
class Actor:
    """Somebody as the table knows them: where they act, and in which role."""

    # "portal", "team", "stranger", "administrator", or a nature of organisation.
    where: str
    role: str = ""

    def __str__(self) -> str:
        if self.where in _WORDS:
            word = _WORDS[self.where]
            return f"{word}, {_TEAM[self.role]}" if self.where == "team" else word
        label = Organisation.Kind(self.where).label
        return f"{label}, {Membership.Role(self.role).label.lower()}"


_WORDS = {
    "portal": "Le portail",
    "team": "Équipe de la CPTS",
    "stranger": "Personne étrangère au dossier",
    "administrator": "Administrateur du portail",
}
_TEAM = {"owner": "responsable", "editor": "rédacteur", "reader": "lecteur"}
PORTAL = Actor("portal")
OWNER = Actor("team", "owner")
# Who exists whatever the circuit.
EVERYWHERE = (
    PORTAL,
    OWNER,
    Actor("team", "editor"),
    Actor("team", "reader"),
    Actor("stranger"),
    Actor("administrator"),
)

# Of a circuit, an action and a state: everyone who may. Nobody else may.
Allowed = Callable[[Procedure, str, str], set[Actor]]
_tables: dict[str, Allowed] = {}


def declare_matrix(kind: str, allowed: Allowed) -> None:
    """Say who may do what with cases of a kind."""
    _tables[kind] = allowed


def allowed_in(kind: str) -> Allowed | None:
    """The table of a kind of case, or None when it has not declared one."""
    return _tables.get(kind)


def actors_of(circuit: Circuit) -> list[Actor]:
    """Everyone of the table in a circuit: each role in each nature of organisation it names."""
    kinds = {"ars", "ars_branch", *(line.body.value for line in circuit.consultations)}
    kinds |= {one.value for one in circuit.decision.by}
    if circuit.synthesis:
        kinds.add(circuit.synthesis.by.value)
    roles = Membership.Role.values
    return [*EVERYWHERE, *(Actor(kind, role) for kind in sorted(kinds) for role in roles)]


def matrix_lines(
    model: type[Case], kind: str, procedures: Sequence[Procedure], moves: Sequence[tuple[str, str]]
) -> Iterator[str]:
    """The page: for each procedure, each action of each state and who may do it.

    `moves` are the (action, state it starts from) of the machine, without repetition.
    """
    allowed = _tables[kind]
    labels = {
        move.name: move.custom["label"]
        for move in model._meta.get_field("state").get_all_transitions(model)
    }
    for procedure in procedures:
        yield f"## {procedure.label}"
        yield ""
        yield f"Silence : {SILENCE_WORDS[procedure.circuit.period.silence]}."
        yield ""
        yield "| État | Action | Nom dans le code | Qui |"
        yield "|---|---|---|---|"
        for action, state in moves:
            who = allowed(procedure, action, state)
            said = " ; ".join(_together(sorted(who))) or "personne"
            yield f"| {CaseState(state).label} | {labels[action]} | `{action}` | {said} |"
        yield ""


def _together(actors: Sequence[Actor]) -> list[str]:
    """Each organisation once, with its roles."""
    names: dict[str, list[str]] = {}
    for actor in actors:
        where, _, role = str(actor).partition(", ")
        names.setdefault(where, []).append(role)
    return [
        f"{where} : {', '.join(roles)}" if roles != [""] else where
        for where, roles in names.items()
    ]
