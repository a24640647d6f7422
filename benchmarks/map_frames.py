"""How smoothly the map of a large region moves on a phone four times slower than this machine.

Start the portal on the demonstration data with the outlines loaded (`make run`, then
`manage.py load_contours SOURCE`), then, in another terminal:

    uv run python benchmarks/map_frames.py http://localhost:8000

It opens the territory of the demonstration's draft at 390 px, draws the thirteen départements of
Occitanie, drags and zooms, and prints the time between two frames.
"""

import os
import shutil
import sys
import time
from statistics import median, quantiles

from playwright.sync_api import Page, sync_playwright

PASSWORD = "Portail-CPTS-2026"  # noqa: S105 - public: that of every demonstration account
OCCITANIE = ("09", "11", "12", "30", "31", "32", "34", "46", "48", "65", "66", "81", "82")
SLOWER = 4
RECORD = """() => {
  window.frames_ = [];
  let last = performance.now();
  const tick = (now) => {
    window.frames_.push(now - last);
    last = now;
    window.recording_ = requestAnimationFrame(tick);
  };
  window.recording_ = requestAnimationFrame(tick);
}"""
STOP = "() => { cancelAnimationFrame(window.recording_); return window.frames_.slice(1); }"


def main(portal: str) -> None:
    """Print the measures. `portal` is where `make run` listens."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"),
            args=["--no-sandbox"] if os.getuid() == 0 else [],
        )
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, locale="fr-FR", base_url=portal
        )
        page = context.new_page()
        open_map(page)
        slow = context.new_cdp_session(page)
        slow.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        draw_everything(page)
        for label, gesture in (("glisser", drag), ("molette", zoom), ("glisser de près", drag)):
            page.evaluate(RECORD)
            gesture(page)
            report(label, page.evaluate(STOP))
        browser.close()


def open_map(page: Page) -> None:
    page.goto("/compte/connexion/")
    page.fill("[name=login]", "claire.fabre@exemple.test")
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.locator("#menu").wait_for()
    page.locator("article", has_text="CPTS Montagne Noire").get_by_text("Continuer").click()
    page.wait_for_url("**/etapes/**")
    page.goto(page.url.split("/etapes/")[0] + "/territoire/")
    page.locator("[data-territory-map][data-drawn]").wait_for()


def draw_everything(page: Page) -> None:
    start = time.perf_counter()
    for code in OCCITANIE:
        page.locator("[data-map-department]").select_option(code)
        page.locator(f"[data-territory-map][data-loaded~='{code}']").wait_for()
    for _ in range(4):
        page.locator(".leaflet-control-zoom-out").click()
        page.wait_for_timeout(600)
    count = page.locator("[data-territory-map]").get_attribute("data-count")
    print(f"{count} communes dessinées en {time.perf_counter() - start:.1f} s")
    page.locator("[data-map]").evaluate("place => place.scrollIntoView({block: 'center'})")


def middle(page: Page) -> tuple[float, float]:
    box = page.locator("[data-map]").bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page: Page) -> None:
    x, y = middle(page)
    for direction in (1, -1, 1, -1):
        page.mouse.move(x, y)
        page.mouse.down()
        for step in range(30):
            page.mouse.move(x + direction * step * 4, y + direction * step * 3)
            page.wait_for_timeout(16)
        page.mouse.up()
        page.wait_for_timeout(500)


def zoom(page: Page) -> None:
    page.mouse.move(*middle(page))
    for turn in (-1, -1, -1, 1, 1, -1, -1, -1):
        page.mouse.wheel(0, turn * 120)
        page.wait_for_timeout(700)


def report(label: str, frames: list[float]) -> None:
    late = sum(frame > 50 for frame in frames)
    print(
        f"{label} : {len(frames)} images, médiane {median(frames):.0f} ms, "
        f"95 % sous {quantiles(frames, n=20)[-1]:.0f} ms, la plus longue {max(frames):.0f} ms, "
        f"{late} au-delà de 50 ms"
    )


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
