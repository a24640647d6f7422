"""A real Chromium in front of the real portal, and what every page must never do."""

import os
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from django.core.management import call_command
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
# The other connections to this database that are not idle.
_AT_WORK = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND backend_type = 'client backend' AND state <> 'idle'
"""
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the whole run."""
    # Playwright's loop runs in this thread; Django would refuse the database beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    arguments = ["--no-sandbox"] if os.getuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def reference_data(loaded_territories: None) -> None:
    """The communes and the organisations of France, as on a real portal."""
    call_command("load_organisations", stdout=StringIO())


@pytest.fixture
def open_browser(
    chromium: Browser, live_server: Any, settings: Any
) -> Iterator[Callable[..., Page]]:
    """Open the portal as one person: each call is a browser of its own, with its own session.

    A test that needs every commune of France asks for `loaded_territories` as well.

    At the end of the test, no page may have broken the content security policy, raised an
    error in a script, or asked for something that is not there.
    """
    settings.PORTAL_URL = live_server.url
    contexts: list[BrowserContext] = []
    faults: list[str] = []

    def opened(*, viewport: dict[str, int] = DESKTOP, **options: Any) -> Page:
        context = chromium.new_context(
            base_url=live_server.url, viewport=viewport, locale="fr-FR", **options
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.on("console", lambda line: _note(faults, page, line))
        return page

    yield opened
    for context in contexts:
        context.close()
    _wait_for_the_server()
    assert faults == []


def _wait_for_the_server() -> None:
    """Let what the browser last asked be answered: emptying the tables meanwhile is a deadlock."""
    quiet = 0
    for _ in range(200):
        with connection.cursor() as cursor:
            cursor.execute(_AT_WORK)
            quiet = quiet + 1 if cursor.fetchone() == (0,) else 0
        if quiet == 3:
            return
        time.sleep(0.02)


def _note(faults: list[str], page: Page, line: Any) -> None:
    """Keep what the browser complains of; a refusal answered on purpose (4xx) is no fault."""
    meant = ("status of 4", "net::ERR_INTERNET_DISCONNECTED", "net::ERR_FAILED")
    if line.type == "error" and not any(words in line.text for words in meant):
        faults.append(f"{page.url}: {line.text}")


@pytest.fixture
def page(open_browser: Callable[..., Page]) -> Page:
    return open_browser()


def axe_violations(page: Page) -> list[str]:
    """What axe finds wrong on the page: the rule, and where."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['target'][0]} – {node['failureSummary']}"
        for one in found["violations"]
        for node in one["nodes"]
    ]


def overflow(page: Page) -> int:
    """How many pixels the page is wider than its window."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
