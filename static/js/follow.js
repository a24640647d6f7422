// Follows what the portal prepares: asks for the same part of the page until nothing is awaited.
// Without this script a link in that part shows the page again.

const PAUSE = 3000;
const LONGEST_PAUSE = 30000;

// Seen from the server, a page that nobody looks at asks for nothing.
function inSight() {
  return new Promise((resolve) => {
    if (!document.hidden) {
      resolve();
      return;
    }
    document.addEventListener("visibilitychange", resolve, { once: true });
  });
}

async function read(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  if (!answer.ok || answer.redirected) {
    return null;
  }
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return page.querySelector("[data-follow-part]")?.parentElement ?? null;
}

// What did not change stays: a reader keeps their place, and hears only what is new.
function show(part, found) {
  const list = part.querySelector("[data-follow-part]");
  const next = found.querySelector("[data-follow-part]");
  if (list.innerHTML !== next.innerHTML) {
    list.replaceChildren(...next.childNodes);
  }
  const said = part.querySelector("[data-follow-said]");
  const words = found.querySelector("[data-follow-said]")?.textContent ?? said.dataset.followDone;
  if (said.textContent !== words) {
    said.textContent = words;
  }
}

async function follow(part) {
  part.querySelector("[data-follow-link]").hidden = true;
  let pause = PAUSE;
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    await inSight();
    const found = await read(part.dataset.follow).catch(() => null);
    if (found === null) {
      // The session ended, or the portal is away: the link says where to look.
      part.querySelector("[data-follow-link]").hidden = false;
      pause = Math.min(pause * 2, LONGEST_PAUSE);
      continue;
    }
    pause = Math.min(pause * 1.2, LONGEST_PAUSE);
    show(part, found);
    if (!found.hasAttribute("data-follow")) {
      part.querySelector("[data-follow-link]").remove();
      return;
    }
  }
}

for (const part of document.querySelectorAll("[data-follow]")) {
  follow(part);
}
