"""Finding deposited cases by their words: French word forms, whatever the accents.

What a case is found by is what its last deposit says: its title and reference, its communes,
its team, its answers. Nothing that anybody wrote about it since (opinions, notes, messages) is
here, so that nothing of it can be guessed from a result.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import F

from cpts_portal.memo import Memo
from territories.normalise import normalise
from workflow.models import Case, Snapshot

# Beyond these a search is to be made narrower; they also bound what one search costs.
MAX_RESULTS: Final = 100
LONGEST_SEARCH: Final = 100
# How many times longer a line takes to be read than to be found in the index of the words.
COMMON_BEYOND: Final = 4
_MAX_WORDS: Final = 8
# Half of what PostgreSQL takes: twenty fields of five pages each.
_LONGEST_BODY: Final = 400_000
_WORD: Final = re.compile(r"\w+")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f]")


# --- What a case is found by -----------------------------------------------------------------


@dataclass(frozen=True)
class Words:
    """The texts of a deposit, by where they stand."""

    names: str
    communes: str
    people: str
    answers: str


def words_of(content: Mapping[str, Any]) -> Words:
    """The words of a frozen content, labels of the form left out."""
    communes = []
    for line in content.get("territory", []):
        codes = " ".join([line["code"], *line.get("postal_codes", [])])
        part = f", {line['part_name']}" if line.get("part_name") else ""
        communes.append(f"{line['name']}{part} ({codes})")
    texts = [
        text
        for section in content.get("sections", [])
        for field in section.get("fields", [])
        for text in _texts(field.get("display") or {})
    ]
    return Words(
        names=f"{content.get('title', '')} {content.get('reference') or ''}",
        communes=", ".join(communes),
        people=", ".join(member["name"] for member in content.get("team", [])),
        answers="\n".join(texts),
    )


def _texts(display: Mapping[str, Any]) -> Iterator[str]:
    yield from display.get("lines", ())
    for _label, text in display.get("pairs", ()):
        yield text
    yield from _ticked(display.get("boxes", ()))
    for row in display.get("rows", ()):
        for cell in row:
            yield from cell.get("lines", ())
            yield from _ticked(cell.get("boxes", ()))


def _ticked(boxes: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    return (box["label"] for box in boxes if box["ticked"])


_STORE = """
    INSERT INTO workflow_searchdocument (case_id, names, texts, body)
    VALUES (%(case)s,
            setweight(to_tsvector('portal_french', %(names)s), 'A')
            || setweight(to_tsvector('portal_french', %(communes)s), 'B')
            || setweight(to_tsvector('portal_french', %(people)s), 'C'),
            search_words(%(texts)s), %(body)s)
    ON CONFLICT (case_id) DO UPDATE
       SET names = EXCLUDED.names, texts = EXCLUDED.texts, body = EXCLUDED.body
"""


def index_case(case: Case, content: Mapping[str, Any]) -> None:
    """Make the case found by this content and by nothing it said before."""
    with connection.cursor() as cursor:
        cursor.execute(_STORE, stored_words(words_of(content)) | {"case": case.pk})


def stored_words(words: Words) -> dict[str, str]:
    """What is stored of the words of a deposit, as texts to make vectors of."""
    body = _CONTROLS.sub(" ", _body(words))[:_LONGEST_BODY]
    return {
        "names": normalise(words.names),
        "communes": normalise(words.communes),
        "people": normalise(words.people),
        "texts": " ".join(_WORD.findall(body)),
        "body": body,
    }


def _body(words: Words) -> str:
    parts = [
        f"Communes : {words.communes}." if words.communes else "",
        f"Équipe : {words.people}." if words.people else "",
        words.answers,
    ]
    return "\n".join(part for part in parts if part)


def index_again() -> int:
    """Make every deposited case found by its last deposit; returns how many there are."""
    count = 0
    snapshots = Snapshot.objects.select_related("case").filter(version=F("case__version"))
    for snapshot in snapshots.order_by("pk").iterator(chunk_size=200):
        index_case(snapshot.case, snapshot.content)
        count += 1
    return count


# --- Finding ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """What was typed, as words. `names` may be the beginnings of words; `texts` are whole ones."""

    names: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not self.names


def read_search(typed: str) -> Asked:
    """The words of what a person typed: signs and spaces part them."""
    plain = _CONTROLS.sub(" ", typed)[:LONGEST_SEARCH]
    return Asked(
        names=tuple(normalise(plain).split()[:_MAX_WORDS]),
        texts=tuple(word for word in _WORD.findall(plain)[:_MAX_WORDS] if word.strip("_")),
    )


@dataclass(frozen=True)
class Found:
    """The cases found, best first; `has_more` when only some of them are kept."""

    case_ids: list[int]
    has_more: bool


@dataclass(frozen=True)
class Within:
    """Where a search looks: a condition on inbox lines `l` the person may see, with its values.

    `listed` is their list as `SearchDocument.lists` names it; `is_whole`, whether the condition
    says nothing but that list.
    """

    where: str
    values: Sequence[Any]
    listed: str
    is_whole: bool


def find(asked: Asked, within: Within) -> Found:
    """The cases there that hold all the words.

    One query, and two that only read words not asked lately. A word of the title, the reference,
    a commune or the team counts for more than one of the answers. When there are too many, the
    newest of each are kept.
    """
    if asked.is_empty:
        return Found([], has_more=False)
    names, texts = map(_together, read_words(asked))
    statement, values = _statement(names, texts, within)
    run = _planned_once if within.is_whole else _planned_for_these_words
    named, said = run(statement, values)
    ranks = dict(zip(named[0] or (), named[1] or (), strict=True))
    # The newest first, among those of one rank as among the answers.
    best = sorted(ranks, key=ranks.__getitem__, reverse=True)
    best += [case_id for case_id in said[0] or () if case_id not in ranks]
    return Found(best[:MAX_RESULTS], has_more=len(best) > MAX_RESULTS)


class _Words(NamedTuple):
    """The words asked of one vector, as a `tsquery`, and whether many cases hold them."""

    query: str
    is_common: bool


# A name is worth what it names: the title, a commune, somebody. An answer that has the words is
# worth another: the newest come first, as everybody expects of a list that cannot be explained.
# When names are enough to fill what is kept, no answer is read.
_FOUND: Final = """
    WITH named AS MATERIALIZED ({names})
    SELECT array_agg(n.case_id ORDER BY n.deposited_at DESC, n.case_id DESC),
           array_agg(ts_rank('{{0.1,0.2,0.5,1}}', n.names, {query})
                     ORDER BY n.deposited_at DESC, n.case_id DESC)
      FROM named n
     UNION ALL
    SELECT array_agg(t.case_id ORDER BY t.deposited_at DESC, t.case_id DESC), NULL
      FROM ({texts}) t"""
_WANTED: Final = "AND (SELECT count(*) FROM named) < {limit}"
# Words that many cases hold: their newest lines are read one by one, until enough hold them.
# « OFFSET 0 » has a document looked for by its number: where there are few documents the planner
# would rather read all of them, answers included.
_OF_COMMON_WORDS: Final = """
    SELECT l.case_id, l.deposited_at{kept}
      FROM workflow_inboxline l CROSS JOIN LATERAL (
           SELECT s.names FROM workflow_searchdocument s
            WHERE s.case_id = l.case_id AND s.{vector} @@ {query} OFFSET 0) s
     WHERE {where} {wanted}
     ORDER BY l.deposited_at DESC, l.case_id DESC LIMIT {limit}"""
# Others: the index of the words says where they are. What is read of each is the day it came, at
# the head of its row; the newest are then read whole, from the same place in the table, until
# enough of them are in the list. « OFFSET 0 » keeps the planner to that.
_OF_RARE_WORDS: Final = """
    SELECT s.case_id, s.deposited_at{kept}
      FROM (SELECT s.ctid AS place, s.case_id, s.deposited_at FROM workflow_searchdocument s
             WHERE s.{vector} @@ {query} {wanted}
             ORDER BY s.deposited_at DESC, s.case_id DESC OFFSET 0) s CROSS JOIN LATERAL (
           SELECT d.names FROM workflow_searchdocument d {beside}
            WHERE d.ctid = s.place AND {listed} = ANY (d.lists) {narrowed} OFFSET 0) d
     ORDER BY s.deposited_at DESC, s.case_id DESC LIMIT {limit}"""
_BESIDE: Final = "JOIN workflow_inboxline l ON l.case_id = d.case_id"


def _statement(names: _Words, texts: _Words, within: Within) -> tuple[str, list[Any]]:
    """What finds the words, and its values.

    A whole list is searched in one of four ways, each planned once for all words: the values are
    hidden from the planner, which would else take longer than the search.
    """
    value = "(SELECT %s)" if within.is_whole else "%s"
    query = "(SELECT %s::tsquery)" if within.is_whole else "%s::tsquery"
    arms, values = {}, []
    for vector, words in (("names", names), ("texts", texts)):
        limit = MAX_RESULTS + 1
        parts = {
            "vector": vector,
            "query": query,
            "limit": limit,
            "kept": f", {'s' if words.is_common else 'd'}.names" if vector == "names" else "",
            "wanted": _WANTED.format(limit=limit) if vector == "texts" else "",
        }
        where = within.where.replace("%s", value)
        if words.is_common:
            arms[vector] = _OF_COMMON_WORDS.format(where=where, **parts)
            values += [words.query, *within.values]
        elif within.is_whole:
            arms[vector] = _OF_RARE_WORDS.format(beside="", listed=value, narrowed="", **parts)
            values += [words.query, within.listed]
        else:
            arms[vector] = _OF_RARE_WORDS.format(
                beside=_BESIDE, listed=value, narrowed=f"AND {where}", **parts
            )
            values += [words.query, within.listed, *within.values]
        if vector == "names":
            values.append(names.query)
    return _FOUND.format(query=query, **arms), values


class Word(NamedTuple):
    """One word as the database reads it: its `tsquery`, empty for « la »; and how many cases of
    how many hold it, as the planner estimates it.
    """

    query: str
    held: float
    everywhere: float

    @property
    def roots(self) -> list[str]:
        """What is looked for: words that are it, or begin as it does."""
        return _ROOT.findall(self.query)


_ROOT: Final = re.compile(r"'([^']+)'")
# What is asked of each vector: the beginnings of its words, or whole ones.
_ENDINGS: Final = {"names": ":*", "texts": ""}
# An estimate that has become wrong makes a search slower, and finds the same.
_KNOWN: Final[Memo[Word]] = Memo(limit=4_000_000, weigh=lambda word: len(word.query))


def read_words(asked: Asked) -> tuple[list[Word], list[Word]]:
    """The words of the names and those of the texts; two queries if this process never read one."""
    names, texts = (
        [(vector, word) for word in getattr(asked, vector)] for vector in ("names", "texts")
    )
    made: dict[tuple[str, str], Word] = {}

    def read(key: tuple[str, str]) -> Word:
        if not made:
            made.update(_read([*names, *texts]))
        return made[key]

    def known(keys: list[tuple[str, str]]) -> list[Word]:
        return [_KNOWN.get(key, lambda key=key: read(key)) for key in keys]  # type: ignore[misc]

    return known(names), known(texts)


def _read(wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Word]:
    """Each of these words, with the vector it is asked of."""
    words = [word for _vector, word in wanted]
    endings = [_ENDINGS[vector] for vector, _word in wanted]
    queries = [
        query
        for (query,) in _planned_for_these_words(
            "SELECT search_query(ARRAY[word], ending)::text"
            " FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY asked (word, ending, place)"
            " ORDER BY place",
            [words, endings],
        )
    ]
    everything = "SELECT FROM workflow_searchdocument"
    arms = [f"{everything} WHERE {vector} @@ %s::tsquery" for vector, _word in wanted]
    rows = _planned_for_these_words(
        f"EXPLAIN (FORMAT JSON) {' UNION ALL '.join([*arms, everything])}", queries
    )
    *held, everywhere = [plan["Plan Rows"] for plan in rows[0][0][0]["Plan"]["Plans"]]
    return {
        key: Word(query, count, everywhere)
        for key, query, count in zip(wanted, queries, held, strict=True)
    }


def _together(words: Sequence[Word]) -> _Words:
    """All of them at once, and whether so many cases hold them that reading the newest finds
    enough of them sooner.

    Reading finds what it wants in as many lines as there are cases for one that is found; the
    index gives all that hold the words, each a little quicker.
    """
    said = [word for word in words if word.query]
    if not said:
        return _Words("", is_common=False)
    everywhere = said[0].everywhere
    held = everywhere * prod(word.held / word.everywhere for word in said)
    return _Words(
        " & ".join(f"({word.query})" for word in said),
        is_common=held * held > COMMON_BEYOND * MAX_RESULTS * everywhere,
    )


def _planned_once(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _planned_for_these_words(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a query that is planned for its values, each time: what narrows a list is as different
    as what is asked.
    """
    with connection.cursor() as cursor:
        prepared_after = cursor.connection.prepare_threshold
        cursor.connection.prepare_threshold = None
        try:
            cursor.execute(statement, values)
        finally:
            cursor.connection.prepare_threshold = prepared_after
        return cursor.fetchall()
