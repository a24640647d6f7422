// A text or a day typed in a form stays in this tab until the portal has taken it. A session that
// ended, a login in another tab or the other form of a page sends the person elsewhere, and the form
// they come back to is empty.
//
// The steps of a case save themselves (autosave.js). Nothing outlives the tab, nor a logout, and
// nobody else who logs in here is shown it.

const PREFIX = "texte:";
const TYPED = 'textarea[name], input[type="date"][name]';
const FOUND = {
  textarea: "Texte retrouvé\u00a0: il n’était pas parti. Relisez-le avant de l’envoyer.",
  date: "Date retrouvée\u00a0: elle n’était pas partie. Vérifiez-la avant de l’envoyer.",
};
const account = document.body.dataset.account ?? "";

function store(action) {
  try {
    return action(sessionStorage);
  } catch {
    return null; // Full or forbidden: as without this script.
  }
}

const read = (key) => store((kept) => JSON.parse(kept.getItem(key)));
const write = (key, entry) => store((kept) => kept.setItem(key, JSON.stringify(entry)));
const forget = (key) => store((kept) => kept.removeItem(key));
const keys = () => store((kept) => Object.keys(kept).filter((key) => key.startsWith(PREFIX))) ?? [];

/** The texts and the days of a form that is posted by hand. */
function textsOf(form) {
  const isPosted = account && form?.getAttribute("method") === "post" && !form.hasAttribute("data-autosave");
  return isPosted ? [...form.querySelectorAll(TYPED)] : [];
}

function keyOf(text) {
  const { pathname } = new URL(text.form.getAttribute("action") || "", location.href);
  return `${PREFIX}${account}:${location.pathname}:${pathname}:${text.name}`;
}

// What was sent is taken, unless this page says otherwise: nobody is logged in any more, or the
// portal refused to read it. Coming back through the history, it is not known.
const isRefused = !account || document.querySelector("[data-not-taken]") !== null;
const isBack = performance.getEntriesByType("navigation")[0]?.type === "back_forward";
for (const key of keys()) {
  const entry = read(key);
  if (entry?.sent && (isRefused || isBack)) {
    write(key, { ...entry, sent: false });
  } else if (entry?.sent) {
    forget(key);
  }
}

for (const form of document.forms) {
  for (const text of textsOf(form)) {
    const entry = read(keyOf(text));
    // Only over what it was typed over: neither a newer text nor what the browser gave back.
    if (!entry || entry.base !== text.defaultValue || text.value !== text.defaultValue) {
      continue;
    }
    text.value = entry.text;
    text.closest("details")?.setAttribute("open", "");
    const said = document.createElement("p");
    said.className = "fr-hint-text";
    said.setAttribute("role", "status");
    text.insertAdjacentElement("afterend", said);
    said.textContent = FOUND[text.type];
  }
}

document.addEventListener("input", ({ target }) => {
  if (!textsOf(target.form).includes(target)) {
    return;
  }
  if (target.value === target.defaultValue) {
    forget(keyOf(target));
  } else {
    write(keyOf(target), { text: target.value, base: target.defaultValue, sent: false });
  }
});

document.addEventListener("submit", (event) => {
  if (event.defaultPrevented) {
    return;
  }
  if (event.target.hasAttribute("data-forget-texts")) {
    keys().forEach(forget);
    return;
  }
  for (const text of textsOf(event.target)) {
    const entry = read(keyOf(text));
    if (entry) {
      write(keyOf(text), { ...entry, sent: true });
    }
  }
});
