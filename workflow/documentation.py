"""The pages of the docs that draw each state machine and each circuit: generated, never written.

Diagrams are in Mermaid, which the forge draws; each is followed by the same thing in words.
"""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.utils.text import slugify

from procedures.circuit import Circuit, PlannedConsultation
from procedures.documentation import CASE_WORDS, DECIDER_WORDS, SILENCE_WORDS
from procedures.registry import all_procedures
from procedures.schema import Procedure, ProcedureKind
from workflow.kinds import is_declared, kind_of_model
from workflow.matrix import matrix_lines
from workflow.models import Case
from workflow.states import CaseState

CIRCUITS_FOLDER: Final = Path(settings.BASE_DIR) / "docs" / "circuits"
_GENERATED: Final = (
    "Page produite par `manage.py document_workflow` : ne la modifiez pas à la main."
)

# How each kind of case ends. Of a health project the ARS can only oppose (CSP, L. 1434-12).
_OUTCOMES: Final = {
    ProcedureKind.LETTER_OF_INTENT: ("Acceptée", "Refusée"),
    ProcedureKind.HEALTH_PROJECT: ("Validé", "Opposition"),
}


def pages() -> dict[Path, str]:
    """Every page by its path: one per kind of case, one per procedure (its last version)."""
    machines = {_file_name(model): model for model in _kinds_of_case()}
    last = {procedure.key: procedure for procedure in all_procedures()}
    written = {CIRCUITS_FOLDER / name: _machine_page(model) for name, model in machines.items()}
    written |= {
        CIRCUITS_FOLDER / _matrix_name(name): _matrix_page(model, _received(model, last.values()))
        for name, model in machines.items()
        if _received(model, last.values())
    }
    written |= {CIRCUITS_FOLDER / f"{key}.md": _circuit_page(one) for key, one in last.items()}
    return written | {CIRCUITS_FOLDER / "README.md": _index(machines, last.values())}


def stale_pages() -> list[Path]:
    """The pages that are missing, out of date, or of something that is no more."""
    expected = pages()
    changed = [
        path
        for path, text in expected.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    return changed + sorted(set(CIRCUITS_FOLDER.glob("*.md")) - expected.keys())


def _kinds_of_case() -> list[type[Case]]:
    """The kinds that change state: a machine without an arrow has nothing to draw."""
    models = (one for one in apps.get_models() if issubclass(one, Case) and one is not Case)
    return [model for model in models if is_declared(model) and transitions_of(model)]


def _received(model: type[Case], procedures: Iterable[Procedure]) -> list[Procedure]:
    """The procedures that receive this kind of case."""
    kind = kind_of_model(model)
    return [procedure for procedure in procedures if procedure.kind == kind]


def _file_name(model: type[Case]) -> str:
    return f"{slugify(str(model._meta.verbose_name).replace('’', ' '))}.md"


def _index(machines: dict[str, type[Case]], procedures: Collection[Procedure]) -> str:
    lines = [
        "# Les états d’un dossier et les circuits régionaux",
        "",
        _GENERATED,
        "",
        "Les états et les actions, par nature de dossier :",
        "",
        *(
            f"- [{_title(model)}]({name})"
            + (
                f", et [qui fait quoi dans chaque état]({_matrix_name(name)})"
                if _received(model, procedures)
                else ""
            )
            for name, model in machines.items()
        ),
        "",
        "Qui reçoit, qui donne un avis, qui décide, par région :",
        "",
        *(
            f"- {CASE_WORDS[procedure.kind]} : [{procedure.label}]({procedure.key}.md)"
            for procedure in procedures
        ),
    ]
    return "\n".join(lines) + "\n"


def _title(model: type[Case]) -> str:
    name = str(model._meta.verbose_name)
    return name[:1].upper() + name[1:]


# --- The machine -------------------------------------------------------------------------


def transitions_of(model: type[Case]) -> list[Any]:
    """The transitions of a kind of case, in the order of the states they start from."""
    field: Any = model._meta.get_field("state")
    found = field.get_all_transitions(model)
    order = list(CaseState.values)
    return sorted(found, key=lambda t: (order.index(t.source), order.index(t.target), t.name))


def _machine_page(model: type[Case]) -> str:
    transitions = transitions_of(model)
    lines = [
        f"# {_title(model)} : les états et les actions",
        "",
        _GENERATED,
        "",
        "```mermaid",
        "stateDiagram-v2",
        *(f"    {line}" for line in _state_diagram(transitions)),
        "```",
        "",
        "| Action | De | À | Nom dans le code | Qui |",
        "|---|---|---|---|---|",
        *(
            f"| {move.custom['label']} | {CaseState(move.source).label} | "
            f"{CaseState(move.target).label} | `{move.name}` | `{move.permission.__name__}` |"
            for move in transitions
        ),
        "",
        "« Qui » nomme la règle, dans `rules.py`, qui dit à qui l’action est permise.",
    ]
    return "\n".join(lines) + "\n"


def _state_diagram(transitions: list[Any]) -> Iterator[str]:
    used = {state for move in transitions for state in (move.source, move.target)}
    for state in CaseState:
        if state in used:
            yield f'state "{state.label}" as {state.value}'
    yield f"[*] --> {CaseState.DRAFT.value}"
    for move in transitions:
        yield f"{move.source} --> {move.target}: {move.custom['label']}"
    for state in CaseState:
        if state in used and state not in {move.source for move in transitions}:
            yield f"{state.value} --> [*]"


# --- Who does what -----------------------------------------------------------------------


def _matrix_name(machine: str) -> str:
    return machine.replace(".md", "-qui-fait-quoi.md")


def _matrix_page(model: type[Case], procedures: list[Procedure]) -> str:
    moves = dict.fromkeys((move.name, move.source) for move in transitions_of(model))
    lines = [
        f"# {_title(model)} : qui fait quoi dans chaque état",
        "",
        (
            f"{_GENERATED} Un test fait essayer chaque action à chacun dans chaque état et compare "
            "les réponses à ces tableaux. Qui n’est pas nommé reçoit un refus ; qui l’est peut "
            "encore lire ce qui manque avant d’agir."
        ),
        "",
        *matrix_lines(model, kind_of_model(model), procedures, list(moves)),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


# --- The circuit ---------------------------------------------------------------------------


def _circuit_page(procedure: Procedure) -> str:
    circuit = procedure.circuit
    lines = [
        f"# Circuit d’une lettre d’intention : {procedure.label}",
        "",
        (
            f"{_GENERATED} Les sources de chaque réglage sont dans "
            f"[la page du formulaire](../formulaires/{procedure.key}.md)."
        ),
        "",
        "```mermaid",
        "flowchart TD",
        *(f"    {line}" for line in _flow(procedure, circuit)),
        "```",
        "",
        *(f"{rank}. {step}" for rank, step in enumerate(_in_words(procedure, circuit), start=1)),
    ]
    return "\n".join(lines) + "\n"


def _flow(procedure: Procedure, circuit: Circuit) -> Iterator[str]:
    yield f'deposit["Dépôt : {procedure.addressee.label}"]'
    before = ["deposit"]
    for stage in circuit.stages:
        waited_for = []
        for line in circuit.lines_of(stage):
            yield f'{line.key}["{line.label}<br>{_asked(line)}"]'
            arrow = "-->" if line.is_expected else "-.->"
            yield from (f"{node} {arrow} {line.key}" for node in before)
            if line.is_expected:
                waited_for.append(line.key)
        before = waited_for or before
    if circuit.synthesis:
        yield f'synthesis["{circuit.synthesis.label}"]'
        yield from (f"{node} --> synthesis" for node in before)
        before = ["synthesis"]
    yield f'decision{{"Décision : {_deciders(circuit)}"}}'
    yield from (f"{node} --> decision" for node in before)
    accepted, refused = _OUTCOMES[procedure.kind]
    yield f'decision --> accepted(["{accepted}"])'
    yield f'decision --> refused(["{refused}"])'
    outcome = "refused" if circuit.period.silence == "refusal" else "accepted"
    yield f"decision -. {_silence(circuit)} .-> {outcome}"
    if circuit.meeting:
        yield f'accepted --> meeting["{circuit.meeting.label}"]'


def _asked(line: PlannedConsultation) -> str:
    return f"avis sous {line.days} jours" if line.is_expected else "pour information"


def _deciders(circuit: Circuit) -> str:
    return " et ".join(DECIDER_WORDS[one] for one in circuit.decision.by)


def _silence(circuit: Circuit) -> str:
    return f"{circuit.period.months} mois de silence"


def _in_words(procedure: Procedure, circuit: Circuit) -> Iterator[str]:
    yield f"Dépôt. Destinataire : {procedure.addressee.label}."
    for stage in circuit.stages:
        for line in circuit.lines_of(stage):
            yield f"{line.label} : {_asked(line)}."
    if circuit.synthesis:
        yield f"{circuit.synthesis.label}, puis transmission à l’ARS."
    joint = ", ensemble" if circuit.decision.is_joint else ""
    yield (
        f"Décision{joint} : {_deciders(circuit)}. Après {_silence(circuit)} : "
        f"{SILENCE_WORDS[circuit.period.silence]}."
    )
    if circuit.meeting:
        yield f"Après une acceptation : {circuit.meeting.label.lower()}."
