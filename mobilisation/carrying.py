"""From the answers to the letter of intent: table, method, meetings, team and annex, in one click.

Everything goes through the services that a page of the letter uses. What the team has written
itself is shown beside what would take its place; nothing is written without being chosen.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from accounts.models import User
from cpts_portal.spreadsheets import plain
from cpts_portal.words import long_date
from documents.rendering import render_pdf
from documents.services import FileRefusedError
from letters.models import LetterOfIntent
from mobilisation import rules, words
from mobilisation.models import WILLING, Questionnaire, QuestionnaireLog, Reply
from mobilisation.results import Results, comments_of, results_of
from mobilisation.services import communes_of
from outbox.registry import handles
from outbox.services import publish
from procedures.questionnaires import LetterPlaces, QuestionKind
from procedures.schema import Field, FieldKind
from workflow.models import Case, CaseAttachment
from workflow.services import ActionRefusedError
from writing import rules as writing_rules
from writing import tables
from writing.cells import FREE_LABEL, TableRow, max_rows, rows_as_value, rows_of
from writing.content import WrittenContent, read_content
from writing.saving import as_plain_text
from writing.services import Conflict, attach, detach, save_answer, slot_of

# The fields a form may choose, in the order of the page.
PARTS: Final = ("counts", "methodology", "meetings", "team")
ANNEX_NAME: Final = "Reponses-au-questionnaire.pdf"
# Said of the row « Autres » where nobody has named the professions it counts.
_OTHERS: Final = "professions citées dans le questionnaire"
_LETTER_GONE: Final = (
    "La lettre d’intention n’est plus un brouillon : le questionnaire ne peut plus y être repris."
)


@dataclass(frozen=True)
class Part:
    """One field of the letter: what it says now, and what the questionnaire would write there."""

    key: str
    label: str
    field: Field
    value: Any
    # As lines of text, to compare.
    before: str
    after: str
    revision: int
    # What is to be known: rows that do not fit, for instance.
    remark: str = ""

    @property
    def head(self) -> list[str]:
        """The columns of a table; none for a text."""
        return tables.headings(self.field) if self.field.kind == FieldKind.TABLE else []

    @property
    def lines(self) -> list[list[str]]:
        """The rows of a table, as it would be."""
        return list(tables.lines(self.field, self.value))

    @property
    def is_same(self) -> bool:
        return self.before == self.after

    @property
    def replaces(self) -> bool:
        """Whether something the team wrote would go."""
        return bool(self.before) and not self.is_same


@dataclass(frozen=True)
class Proposal:
    """What one questionnaire brings to one letter."""

    letter: LetterOfIntent
    parts: list[Part]
    # The label of the slot that receives the annex; empty: the letter has none.
    annex: str
    results: Results


def letter_of(questionnaire: Questionnaire) -> LetterOfIntent | None:
    """The letter of the CPTS that is being written, if there is one: the newest."""
    drafts = LetterOfIntent.objects.filter(community=questionnaire.community_id, state="draft")
    return drafts.select_related("community").order_by("-created_at").first()


def proposal_for(questionnaire: Questionnaire, letter: LetterOfIntent) -> Proposal:
    """What would be written, field by field, in the order of the letter's own form."""
    results = results_of(questionnaire)
    places = questionnaire.model.places_in(letter.procedure_key)
    content = read_content(letter)
    slot = slot_of(letter, places.annex) if places.annex else None
    parts = [
        _part(content, key, *made)
        for key, made in (
            (places.counts, ("counts", *_counts(content, places, results))),
            (places.methodology, ("methodology", *_methodology(questionnaire, places, results))),
            (places.meetings, ("meetings", words.meetings_of(questionnaire.gatherings.all()), "")),
            (places.team, ("team", *_team(questionnaire, content, places))),
        )
        if key and made[1]
    ]
    return Proposal(letter, parts, slot.label if slot else "", results)


def _part(content: WrittenContent, key: str, name: str, value: Any, remark: str) -> Part:
    field = content.procedure.field(key)
    return Part(
        key=name,
        label=field.label,
        field=field,
        value=value,
        before=as_plain_text(field, content.answers.get(key)),
        after=as_plain_text(field, value),
        revision=content.revisions.get(key, 0),
        remark=remark,
    )


def _counts(
    content: WrittenContent, places: LetterPlaces, results: Results
) -> tuple[list[dict[str, str]], str]:
    """The rows of the table. A number nobody knows leaves what the letter says."""
    if not places.counts:
        return [], ""
    table = content.procedure.field(places.counts)
    tallies = {one.key: one for one in results.professions}
    rows = []
    for row in rows_of(table, content.answers.get(places.counts)):
        tally = tallies.get(row.fixed.key) if row.fixed else None
        if tally is None:
            rows.append(row)
            continue
        known = {
            places.identified: tally.identified,
            places.solicited: tally.solicited,
            places.willing: tally.willing,
        }
        cells = {**row.cells, **{k: str(n) for k, n in known.items() if k and n is not None}}
        if row.fixed and row.fixed.free_label and not cells.get(FREE_LABEL):
            # The form asks which professions it counts: nothing to say of none.
            if tally.total or tally.identified or tally.solicited:
                cells[FREE_LABEL] = _OTHERS
            else:
                cells = dict(row.cells)
        rows.append(TableRow(row.fixed, cells))
    return rows_as_value(rows), ""


def _methodology(
    questionnaire: Questionnaire, places: LetterPlaces, results: Results
) -> tuple[str, str]:
    said = words.methodology_of(questionnaire, results)
    if not places.counts and (lines := words.counts_in_words(results)):
        said = f"{said}\n{lines}"
    if not places.meetings and (held := words.meetings_of(questionnaire.gatherings.all())):
        said = f"{said}\n{held}"
    return said, ""


def _team(
    questionnaire: Questionnaire, content: WrittenContent, places: LetterPlaces
) -> tuple[list[dict[str, str]], str]:
    """Those of the table, then the willing of the territory who accept to be named."""
    if not places.team:
        return [], ""
    table = content.procedure.field(places.team)
    columns = {column.key for column in table.columns}
    rows = [row for row in rows_of(table, content.answers.get(places.team)) if not row.is_blank]
    known = {_same_name(row.cells.get("name", "")) for row in rows}
    new = []
    for reply in _named(questionnaire):
        name = f"{reply.last_name.upper()} {reply.first_name}".strip()
        if _same_name(name) in known:
            continue
        known.add(_same_name(name))
        cells = {
            "name": name,
            "profession": questionnaire.model.profession(reply.profession),
            "place": reply.commune.name if reply.commune else reply.place,
            "structure": reply.structure,
        }
        new.append(TableRow(None, {key: text for key, text in cells.items() if key in columns}))
    room = max(0, max_rows(table) - len(rows))
    remark = ""
    if len(new) > room:
        remark = (
            f"{len(new)} personnes acceptent d’être nommées ; le tableau n’a plus de place que "
            f"pour {room}. Les premières qui ont répondu y sont."
        )
    return (rows_as_value([*rows, *new[:room]]) if new else []), remark


def _named(questionnaire: Questionnaire) -> list[Reply]:
    inside = [code for code, _ in communes_of(questionnaire.community)]
    return list(
        Reply.objects.filter(
            questionnaire=questionnaire,
            counted=True,
            may_name=True,
            interest__in=WILLING,
            commune__in=inside,
        )
        .exclude(last_name="")
        .select_related("commune")
        .order_by("-interest", "pk")
    )


def _same_name(name: str) -> tuple[str, ...]:
    """The same in whatever order a person is named, with a title or without."""
    return tuple(sorted(word for word in plain(name).split() if word not in {"dr", "docteur"}))


# --- Writing --------------------------------------------------------------------------------------


@transaction.atomic
def carry(
    questionnaire: Questionnaire,
    letter: LetterOfIntent,
    chosen: Mapping[str, int],
    *,
    with_annex: bool,
    by: User,
) -> list[str]:
    """Write the parts chosen, each with the revision the person saw; the labels of what was done.

    The annex is drawn by the worker. Raises PermissionDenied, or ActionRefusedError when the
    letter is no draft any more, or when somebody changed one of its fields meanwhile.
    """
    letter = _locked_draft(questionnaire, letter, by)
    proposal = proposal_for(questionnaire, letter)
    done = []
    for part in proposal.parts:
        if part.key not in chosen or part.is_same:
            continue
        base = chosen[part.key]
        saved = save_answer(letter, part.field, part.value, user=by, base_revision=base)
        if isinstance(saved, Conflict):
            raise ActionRefusedError(
                f"« {part.label} » vient d’être changé par {saved.changed_by} : rien n’a été "
                "repris. Relisez, puis recommencez."
            )
        done.append(part.label)
    if with_annex and proposal.annex:
        done.append(proposal.annex)
    if done:
        log = QuestionnaireLog.objects.create(
            questionnaire=questionnaire, action="carried", actor=by, detail=", ".join(done)[:500]
        )
        if with_annex and proposal.annex:
            publish(
                "mobilisation.annex",
                key=str(log.pk),
                questionnaire=questionnaire.pk,
                letter=letter.pk,
                user=by.pk,
            )
    return done


def _locked_draft(questionnaire: Questionnaire, letter: LetterOfIntent, by: User) -> LetterOfIntent:
    if not rules.may_prepare(questionnaire.community, by):
        raise PermissionDenied
    Case.objects.select_for_update().get(pk=letter.pk)
    found = LetterOfIntent.objects.select_related("community").get(pk=letter.pk)
    if found.community_id != questionnaire.community_id or found.state != "draft":
        raise ActionRefusedError(_LETTER_GONE)
    if not writing_rules.may_edit(found, by):
        raise PermissionDenied
    if questionnaire.forgotten_at:
        raise ActionRefusedError(
            "Les réponses ont été effacées : elles ne peuvent plus être reprises dans la lettre."
        )
    return found


@handles("mobilisation.annex")
def attach_annex(*, questionnaire: int, letter: int, user: int) -> None:
    """Draw the annex and put it with the pieces of the letter, in the place of the one before."""
    Case.objects.select_for_update().get(pk=letter)
    target = LetterOfIntent.objects.select_related("community").get(pk=letter)
    one = Questionnaire.objects.select_related("community", "urps").get(pk=questionnaire)
    slot = slot_of(target, one.model.places_in(target.procedure_key).annex)
    if target.state != "draft" or slot is None or one.forgotten_at:
        return  # deposited, withdrawn or forgotten meanwhile: nothing is added behind anybody
    before = CaseAttachment.objects.filter(
        case=target.pk, slot=slot.key, attachment__name=ANNEX_NAME
    ).select_related("attachment")
    for held in before:
        detach(target, held.attachment)
    try:
        file = SimpleUploadedFile(ANNEX_NAME, annex_pdf(one), "application/pdf")
        attach(target, slot, file, user=User.objects.get(pk=user))
    except FileRefusedError as refused:
        QuestionnaireLog.objects.create(
            questionnaire=one, action="annex_refused", detail=refused.message[:500]
        )


# --- The annex ------------------------------------------------------------------------------------


def annex_pdf(questionnaire: Questionnaire) -> bytes:
    """What was answered, without a name, an address or a place: counts, then texts by profession.

    Raises RenderingError.
    """
    results = results_of(questionnaire)
    total = results.all.total
    return render_pdf(
        "pdf/questionnaire_answers.html",
        {
            "author": questionnaire.community.name,
            "community": questionnaire.community.name,
            "urps": questionnaire.urps.name,
            "period": _period(questionnaire),
            "results": results,
            "professions": [*results.professions, results.all],
            "lists": [("Missions qui intéressent", results.missions), *results.questions],
            "communes": sorted(results.communes.values(), key=lambda t: (-t.total, t.label)),
            "texts": _texts(questionnaire),
            "total": total,
        },
        title=f"Réponses au questionnaire – {questionnaire.community.name}",
    )


def _period(questionnaire: Questionnaire) -> str:
    opened = questionnaire.opened_at
    end = questionnaire.closed_at or None
    said = f"ouvert le {long_date(opened.date())}" if opened else ""
    return f"{said}, clos le {long_date(end.date())}" if end else said


def _texts(questionnaire: Questionnaire) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """By question with a written answer, by profession: what people wrote."""
    found = []
    for question in questionnaire.questions:
        if question.kind != QuestionKind.TEXT:
            continue
        groups: dict[str, list[str]] = {}
        for reply in comments_of(questionnaire, question.key, ""):
            label = questionnaire.model.profession(reply.profession)
            groups.setdefault(label, []).append(" ".join(str(reply.text).split()))  # type: ignore[attr-defined]
        if groups:
            found.append((question.label, list(groups.items())))
    return found


def chosen_of(posted: Mapping[str, str], keys: Collection[str]) -> dict[str, int]:
    """The parts a form chose, with the revision each was shown at."""
    return {
        key: int(posted[f"rev-{key}"])
        for key in keys
        if posted.get(f"part-{key}") and posted.get(f"rev-{key}", "").isdecimal()
    }
