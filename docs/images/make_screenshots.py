"""Take the pictures of the documentation from the demonstration data.

Start the portal on an empty `var/` (`make run`), load the outlines of the communes for their map
(`manage.py load_contours SOURCE`), then, in another terminal:

    uv run python docs/images/make_screenshots.py http://localhost:8000

It deposits the scenarios of `fixtures/` and three invented letters, if they are not there yet,
then drives the system's Chromium (CHROMIUM names another) and writes its PNG files here.
"""  # noqa: INP001 - a script, not a package

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
SCENARIOS = PROJECT / "fixtures" / "scenarios"
PASSWORD = "Portail-CPTS-2026"  # noqa: S105 - public: that of every demonstration account
WIDTH = 1200
LARGEST = 200_000  # bytes
# Three more letters for the list of Occitanie's Guichet, each on a whole intercommunality.
INVENTED = {
    "CPTS du Grand Cahors": "200023737",
    "CPTS du Bassin de Thau": "200066355",
    "CPTS Gascogne Toulousaine et Auch": "200066926",
}


def main(portal: str) -> None:
    """Write every picture. `portal` is where `make run` listens."""
    deposit_letters(portal)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox"] if os.getuid() == 0 else [],
        )
        for take in (letter_step, two_versions, territory, inbox, case):
            take(browser, portal)
        browser.close()


# --- Data ---------------------------------------------------------------------------


def deposit_letters(portal: str) -> None:
    for scenario in sorted(SCENARIOS.glob("*.json")):
        import_letter(scenario, portal)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(SCENARIOS / "pieces", folder / "pieces")
        letter = json.loads((SCENARIOS / "tarn-ouest.json").read_text(encoding="utf-8"))
        letter["owner"]["email"] = "bureau.demonstration@exemple.test"
        letter["team"] = []
        for title, siren in INVENTED.items():
            letter["answers"]["title"] = title
            letter["territory"] = {"intercommunalities": [siren]}
            file = folder / "letter.json"
            file.write_text(json.dumps(letter), encoding="utf-8")
            import_letter(file, portal)


def import_letter(file: Path, portal: str) -> None:
    """Deposit a letter; one that is there already is refused, which changes nothing."""
    done = subprocess.run(  # noqa: S603 - our own command
        [
            sys.executable,
            *("-m", "devstack", "manage"),
            *("import_letter", str(file), "--deposit"),
        ],
        cwd=PROJECT,
        env=os.environ | {"PORTAL_URL": portal},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and "existe déjà" not in done.stderr.replace("\u00a0", " "):
        raise SystemExit(done.stderr)


# --- Pictures -----------------------------------------------------------------------


def letter_step(browser: Browser, portal: str) -> None:
    with signed_in(browser, portal, "claire.fabre", height=960) as page:
        open_draft(page)
        field = page.locator("[data-field=contact_name]")
        box = field.locator("input[data-main]")
        box.fill("Dr Claire Fabre")
        field.get_by_text("Enregistré à").wait_for()
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        save(page.screenshot(), "portail")
        # The draft ends as it began.
        box.fill("Claire Fabre")
        page.wait_for_timeout(2000)


def two_versions(browser: Browser, portal: str) -> None:
    with (
        signed_in(browser, portal, "claire.fabre") as hers,
        signed_in(browser, portal, "mathieu.rouquette") as his,
    ):
        open_draft(hers)
        open_draft(his)
        field = "[data-field=contact_address]"
        box = "[name=f-contact_address]"
        before = hers.locator(box).input_value()
        hers.fill(box, f"Maison de santé\n{before}")
        hers.locator(field).get_by_text("Enregistré à").wait_for()
        his.fill(box, before.replace("12 rue", "14 rue"))
        his.locator(f"{field} [data-conflict]").wait_for()
        his.evaluate("document.activeElement.blur()")
        save(his.locator(field).screenshot(), "deux-versions")
        # The draft ends as it began.
        hers.fill(box, before)
        hers.locator(field).get_by_text("Enregistré à").wait_for()
        his.get_by_role("button", name="Prendre celle").click()
        his.wait_for_timeout(500)


def territory(browser: Browser, portal: str) -> None:
    with signed_in(browser, portal, "claire.fabre", height=900) as page:
        open_draft(page)
        page.goto(page.url.split("/etapes/")[0] + "/territoire/")
        page.locator("[data-checks-body] li").first.wait_for()
        if page.locator("[data-territory-map]").count():
            page.locator("[data-territory-map][data-loaded]").wait_for()
            page.wait_for_timeout(500)
        save(page.locator("main").screenshot(), "territoire")


def inbox(browser: Browser, portal: str) -> None:
    with signed_in(browser, portal, "guichet.occitanie", height=1060) as page:
        save(page.screenshot(), "lettres-recues")


def case(browser: Browser, portal: str) -> None:
    with signed_in(browser, portal, "guichet.occitanie", height=1000) as page:
        page.locator("tbody tr", has_text="CPTS Tarn Ouest").locator("a").first.click()
        page.locator("#documents").wait_for()
        save(page.screenshot(), "dossier")


def open_draft(page: Page) -> None:
    page.goto(page.url.split("/accueil/")[0] + "/accueil/")
    page.locator("article", has_text="CPTS Montagne Noire").get_by_text("Continuer").click()
    # Set by the script that saves, once it listens.
    page.locator("html.written-autosaves").wait_for()


@contextmanager
def signed_in(browser: Browser, portal: str, name: str, *, height: int = 800) -> Iterator[Page]:
    """A page of the portal, opened by a person of the demonstration."""
    context = browser.new_context(
        viewport={"width": WIDTH, "height": height},
        locale="fr-FR",
        timezone_id="Europe/Paris",
        base_url=portal,
    )
    page = context.new_page()
    page.goto("/compte/connexion/")
    page.fill("[name=login]", f"{name}@exemple.test")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.locator("#menu").wait_for()
    yield page
    context.close()


def save(png: bytes, name: str) -> None:
    """Write a picture in as many colours as its weight allows."""
    image = Image.open(BytesIO(png)).convert("RGB")
    for colours in (256, 128, 64, 32):
        written = BytesIO()
        image.quantize(colours, dither=Image.Dither.NONE).save(written, "PNG", optimize=True)
        if written.tell() < LARGEST:
            break
    (HERE / f"{name}.png").write_bytes(written.getvalue())
    sys.stdout.write(f"{name}.png : {written.tell() // 1000} ko\n")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
