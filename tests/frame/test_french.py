"""The French of pages, mails and messages is set as a printer would set it."""

import ast
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from devstack.paths import PROJECT

# Space that may break, or none, beside « » : ; ! ?; the typewriter's apostrophe.
_FAULTS = re.compile(
    r"(?<=\S) [:;!?»](?=\s|$|[<|\"])"
    r"|« "
    r"|«(?=\w)"
    r"|(?<=[^\W\d_])[;!?»](?=\s|$)"
    r"|(?<=[^\W\d_])'(?=[^\W\d_])"
)
# Said to machines, not to people.
_HEADERS = re.compile(r"\b(charset|filename)=")
_APPS = (
    "accounts",
    "communities",
    "cpts_portal",
    "desks",
    "diagnosis",
    "documents",
    "health_projects",
    "letters",
    "members",
    "mobilisation",
    "notifications",
    "outbox",
    "procedures",
    "roadmap",
    "signatures",
    "territories",
    "workflow",
    "writing",
)


def faults(text: str) -> list[str]:
    found = _FAULTS.finditer(text)
    return [text[max(0, one.start() - 25) : one.end() + 25].strip() for one in found]


def test_the_rules_know_a_fault_from_a_good_sentence() -> None:
    assert [bool(faults(text)) for text in ("Quoi ?", "Quoi?", "« non »", "L'ARS", "«non»")] == [
        True
    ] * 5
    assert [
        faults(text) for text in ("Quoi\u00a0?", "«\u00a0oui\u00a0»", "L’ARS", "https://a.fr/?a=b")
    ] == [[]] * 4


def test_pages_and_mails_are_typeset() -> None:
    paths = [*(PROJECT / "templates").rglob("*.html"), *(PROJECT / "templates").rglob("*.txt")]
    assert len(paths) > 100

    assert {
        f"{path.relative_to(PROJECT)}:{number}": wrong
        for path in paths
        for number, text in _words(path)
        if (wrong := faults(text))
    } == {}


def _words(path: Path) -> Iterator[tuple[int, str]]:
    """Each line of a template with its number: its words, and those its attributes say aloud."""
    source = re.sub(
        r"(?s){%\s*comment.*?endcomment\s*%}|{#.*?#}",
        lambda comment: "\n" * comment.group().count("\n"),
        path.read_text(encoding="utf-8"),
    )
    for number, line in enumerate(source.splitlines(), start=1):
        bare = re.sub(r"{{.*?}}", "x", re.sub(r"{%.*?%}", "", line))
        yield number, unescape(re.sub(r"<[^>]*>", "|", bare))
        for said in re.findall(r'(?:title|aria-label|alt|placeholder)="([^"]*)"', bare):
            yield number, unescape(said)
        for tag in re.findall(r"{%.*?%}", line):
            yield from ((number, unescape(said)) for said in re.findall(r'"([^"]*)"', tag))


def test_sentences_of_the_code_are_typeset() -> None:
    paths = [
        path
        for app in _APPS
        for path in (PROJECT / app).rglob("*.py")
        # A glyph is found by plain letters and spaces, which its font names one by one.
        if "migrations" not in path.parts and path.name != "box_font.py"
    ]
    assert len(paths) > 100

    assert {
        f"{path.relative_to(PROJECT)}:{number}": wrong
        for path in paths
        for number, text in _sentences(path)
        if not _HEADERS.search(text) and (wrong := faults(text))
    } == {}


def _sentences(path: Path) -> Iterator[tuple[int, str]]:
    """Every string of a module with its line, but docstrings, which are for developers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docstrings
        ):
            yield node.lineno, node.value
