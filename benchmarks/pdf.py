"""The letter's PDF against a warm headless Chromium that prints the same page, with memory."""

import base64
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from itertools import cycle
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from benchmarks.measure import Line, interleaved
from documents.fonts import BOXES
from documents.rendering import html_to_pdf, warm_up

CHROMIUM = "/usr/bin/chromium"
ROUNDS = 9
WARM_UP = 2
SHEET = Path(__file__).with_name("print.css")
TYPES = {".woff2": "font/woff2", ".ttf": "font/ttf"}


def pdf(_rounds: int) -> list[Line]:
    html = _letter_html()
    with tempfile.TemporaryDirectory() as folder:
        sources, printed = Path(folder) / "ours", Path(folder) / "theirs"
        for path in (sources, printed):
            path.mkdir()
        for rank in range(WARM_UP + ROUNDS):
            one = _variant(html, rank)
            (sources / f"{rank:02}.html").write_text(one)
            (printed / f"{rank:02}.html").write_text(_with_styles(one))
        ours = _run("ours", sources)
        theirs = _run("chromium", printed)
        both = _run("both", sources, printed)
    against = "Chromium sans écran, déjà lancé, sur la même page"
    return [
        Line("PDF de la lettre", against, both["ours"], both["theirs"], "ms", 1.0),
        Line("PDF de la lettre, mémoire", against, ours["memory"], theirs["memory"], "Mo", 1.0),
    ]


def _letter_html() -> str:
    """The page of the longest scenario's letter, as the worker gives it to the renderer."""
    from django.core.management import call_command

    from accounts.models import User
    from benchmarks.pages import SCENARIO
    from letters.json_import import import_file
    from tests import factories
    from workflow.models import Snapshot
    from writing.content import procedure_of
    from writing.printing import form_context

    with Path(os.devnull).open("w") as nowhere:
        call_command("load_organisations", verbosity=0, stdout=nowhere)
    lead: User = factories.user()
    letter = import_file(SCENARIO, owner_email=lead.email, deposit=True).letter
    snapshot = Snapshot.objects.get(case=letter)
    context = form_context(snapshot.content, procedure_of(letter), digest=snapshot.sha256)
    return render_to_string(
        "pdf/form.html", {"printed": context, "document_title": snapshot.content["title"]}
    )


def _variant(html: str, rank: int) -> str:
    """The same letter, other words in each of its blocks: none is remembered from another."""
    return re.sub(r"</(p|td|th|dt|dd|li|h\d)>", rf" {rank}</\1>", html)


def _with_styles(html: str) -> str:
    """The same page with its style sheet and its fonts inside, for a browser."""

    def inlined(found: re.Match[str]) -> str:
        path = BOXES if found[1] == BOXES.name else Path(str(finders.find(found[1])))
        data = base64.b64encode(path.read_bytes()).decode()
        return f'url("data:{TYPES[path.suffix]};base64,{data}")'

    sheet = re.sub(r"""url\(["'](?:static:)?([^"')]+)["']\)""", inlined, SHEET.read_text())
    return html.replace("</head>", f"<style>{sheet}</style></head>")


def _run(*arguments: object) -> dict[str, float]:
    """A process of its own, so that its memory is what the printing takes and nothing else."""
    done = subprocess.run(
        [sys.executable, __file__, *map(str, arguments)],
        cwd=Path(__file__).resolve().parent.parent,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


class _Memory(threading.Thread):
    """The highest memory the children of this process took together, each page counted once."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak = 0
        self.is_over = False

    def run(self) -> None:
        while not self.is_over:
            self.peak = max(self.peak, sum(_pss(pid) for pid in _descendants(os.getpid())))
            time.sleep(0.02)


def _descendants(pid: int) -> list[int]:
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    children = [int(child) for child in text.split()]
    return children + [below for child in children for below in _descendants(child)]


def _pss(pid: int) -> int:
    try:
        if "node" in Path(f"/proc/{pid}/comm").read_text():
            return 0  # Playwright's own driver
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _layout(folder: Path) -> Any:
    """Our whole path, from the page to the file, a page that is new each time."""
    pages = cycle([path.read_text() for path in sorted(folder.iterdir())])
    return lambda: html_to_pdf(next(pages))


def _printer(browser: Any, folder: Path) -> Any:
    """The same work as ours: backgrounds drawn, structure tagged, headings as bookmarks."""
    page = browser.new_page()
    addresses = cycle([path.as_uri() for path in sorted(folder.iterdir())])

    def print_it() -> bytes:
        page.goto(next(addresses))
        return page.pdf(
            format="A4",
            prefer_css_page_size=True,
            print_background=True,
            tagged=True,
            outline=True,
        )

    return print_it


def _main(what: str, *sources: str) -> dict[str, float]:
    import django

    django.setup()
    paths = [Path(source) for source in sources]
    if what == "ours":
        warm_up()
        interleaved({"ours": _layout(paths[0])}, rounds=3)
        return {"memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    from playwright.sync_api import sync_playwright

    memory = _Memory()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        if what == "chromium":
            memory.start()
            interleaved({"theirs": _printer(browser, paths[0])}, rounds=3)
            memory.is_over = True
            memory.join()
            return {"memory": memory.peak / 1024}
        warm_up()
        return interleaved(
            {"ours": _layout(paths[0]), "theirs": _printer(browser, paths[1])},
            rounds=ROUNDS,
            warm_up=WARM_UP,
        )


if __name__ == "__main__":
    print(json.dumps(_main(*sys.argv[1:])))
