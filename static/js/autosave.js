// Saves each field of a step while the person writes, and loses nothing on the way.
//
// What is typed goes to localStorage first and leaves it when the server has answered that it
// holds it. A closed session, a lost network, somebody else's change: the text stays here and
// on the screen until it is saved or its author chooses otherwise.
//
// The page works without this file: its form saves everything in one POST.

import { readControl, readSent, writeControl, paintCounter } from "./written-fields.js";

const PAUSE = 600;
const FIRST_RETRY = 2000;
const LONGEST_RETRY = 60000;
const ANSWER_WITHIN = 20000;
// Browsers refuse a larger body to a request that outlives its page.
const KEEPALIVE_BYTES = 60000;

const form = document.querySelector("form[data-autosave]");
const page = form && new Map();
const live = document.getElementById("etat-enregistrement");
const notices = document.getElementById("avis-enregistrement");
const prefix = form && `dossier:${form.dataset.user}:${form.dataset.case}:`;
let leavingByForm = false;

// --- What this browser keeps ------------------------------------------------------------

function keep(key, entry) {
  try {
    localStorage.setItem(prefix + key, JSON.stringify(entry));
  } catch {
    // Full or forbidden: the text is still on the screen, and leaving the page warns.
  }
}

function forget(key) {
  try {
    localStorage.removeItem(prefix + key);
  } catch {
    // As above.
  }
}

function kept() {
  const entries = new Map();
  try {
    for (let i = 0; i < localStorage.length; i += 1) {
      const name = localStorage.key(i);
      if (name.startsWith(prefix)) {
        const entry = JSON.parse(localStorage.getItem(name));
        if (entry && typeof entry === "object" && "value" in entry) {
          entries.set(name.slice(prefix.length), entry);
        }
      }
    }
  } catch {
    // Nothing can be read: nothing is offered.
  }
  return entries;
}

// --- Talking to the portal --------------------------------------------------------------

function cookie(name) {
  const found = document.cookie.split("; ").find((part) => part.startsWith(`${name}=`));
  return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

// Resolves to { status, data }; status 0 when there was no answer at all.
async function send(url, value, revision, { keepalive = false } = {}) {
  const body = JSON.stringify({ value, revision });
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), ANSWER_WITHIN);
  try {
    const response = await fetch(url, {
      method: "POST",
      credentials: "same-origin",
      keepalive: keepalive && body.length < KEEPALIVE_BYTES,
      redirect: "manual",
      signal: stop.signal,
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        // Read at each sending: logging in again in another tab changes it.
        "X-CSRFToken": cookie(form.dataset.csrfCookie),
        "X-Account": form.dataset.user,
      },
      body,
    });
    const type = response.headers.get("Content-Type") || "";
    const data = type.startsWith("application/json") ? await response.json() : null;
    return { status: response.type === "opaqueredirect" ? 401 : response.status, data };
  } catch {
    return { status: 0, data: null };
  } finally {
    clearTimeout(timer);
  }
}

// « 7 h 46 », as the portal writes hours everywhere, with unbreakable spaces.
const clock = (when) => {
  const moment = new Date(when);
  return `${moment.getHours()}\u00a0h\u00a0${String(moment.getMinutes()).padStart(2, "0")}`;
};

// « 1er novembre 2026 »: browsers write « 1 novembre ».
const day = (when) =>
  new Date(when).toLocaleDateString("fr-FR", { dateStyle: "long" }).replace(/^1 /, "1er ");

// --- One field --------------------------------------------------------------------------

class FieldSaver {
  constructor(block) {
    this.block = block;
    this.key = block.dataset.field;
    this.url = block.dataset.url;
    this.state = block.querySelector("[data-state]");
    this.problems = block.querySelector("[data-problems]");
    this.base = form.elements[`rev-${this.key}`];
    this.revision = Number.parseInt(this.base.value, 10) || 0;
    this.saved = JSON.stringify(readSent(block));
    this.timer = null;
    this.countdown = null;
    this.retry = FIRST_RETRY;
    // The promise of the request under way, or null.
    this.sending = null;
    this.waiting = ""; // "", "retry", "login", "refused" or "conflict"
    block.addEventListener("input", () => this.changed(PAUSE));
    block.addEventListener("change", () => this.changed(0));
    block.addEventListener("focusout", () => this.timer && this.flush());
  }

  get dirty() {
    return Boolean(this.sending) || JSON.stringify(readControl(this.block)) !== this.saved;
  }

  /** Resolves when nothing typed here waits to be sent, or when it cannot be sent for now. */
  async settled() {
    while (this.dirty && !this.waiting) {
      await (this.sending ?? this.flush() ?? new Promise((done) => setTimeout(done, 50)));
    }
  }

  changed(pause) {
    paintCounter(this.block);
    const value = readControl(this.block);
    if (JSON.stringify(value) === this.saved && !this.waiting) {
      if (!this.sending) {
        forget(this.key);
      }
      return;
    }
    this.remember(value);
    if (this.waiting === "conflict" || this.waiting === "login") {
      return;
    }
    this.waiting = "";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.flush(), pause);
  }

  remember(value) {
    keep(this.key, {
      value,
      revision: this.revision,
      at: Date.now(),
      url: this.url,
      step: form.dataset.step,
      label: this.block.dataset.label,
      page: `${location.pathname}#${this.block.dataset.anchor}`,
    });
  }

  flush(options = {}) {
    clearTimeout(this.timer);
    this.timer = null;
    this.stopCountdown();
    if (!this.sending && this.waiting !== "conflict") {
      const value = readControl(this.block);
      if (JSON.stringify(value) !== this.saved) {
        this.sending = this.deliver(value, options);
      } else {
        // Back to what the portal holds: nothing is owed any more.
        this.waiting = "";
        forget(this.key);
        this.say("");
      }
      showPageState();
    }
    return this.sending;
  }

  async deliver(value, options) {
    this.say("Enregistrement…");
    const { status, data } = await send(this.url, value, this.revision, options);
    this.sending = null;
    this.waiting = "";
    this.answered(status, data, JSON.stringify(value));
    showPageState();
  }

  answered(status, data, text) {
    if (status === 200) {
      this.accepted(data, text);
      if (JSON.stringify(readControl(this.block)) !== text) {
        this.changed(0);
      } else {
        forget(this.key);
        this.say(`Enregistré à ${clock(data.saved_at)}`, "saved");
      }
    } else if (status === 409) {
      this.conflict(data);
    } else if (status === 401 || (status === 403 && !data)) {
      // A 403 without a sentence: the cookies are gone with the session.
      this.waiting = "login";
      this.say("Gardé dans ce navigateur, pas encore enregistré.", "failed");
      askToLogIn(data);
    } else if (status === 422 || status === 404 || status === 403) {
      this.waiting = "refused";
      this.say(`Non enregistré : ${lower(data?.message ?? "cette adresse n’existe plus. Rechargez la page.")}`, "failed");
    } else {
      this.again();
    }
  }

  accepted(data, text) {
    this.saved = text;
    this.revision = data.revision;
    this.base.value = data.base;
    this.retry = FIRST_RETRY;
    this.waiting = "";
    this.showProblems(data.problems);
    document.getElementById("avis-session")?.remove();
  }

  showProblems(sentences) {
    this.problems.replaceChildren(
      ...sentences.map((sentence) => element("p", "fr-error-text", sentence)),
    );
    this.block.classList.toggle("written-field--error", sentences.length > 0);
    const main = this.block.querySelector("[data-main]");
    if (main && main.type !== "radio") {
      if (sentences.length > 0) {
        main.setAttribute("aria-invalid", "true");
      } else {
        main.removeAttribute("aria-invalid");
      }
    }
  }

  again() {
    this.waiting = "retry";
    const until = Date.now() + this.retry;
    this.retry = Math.min(this.retry * 2, LONGEST_RETRY);
    const text = document.createTextNode("");
    const button = element("button", "fr-btn fr-btn--tertiary fr-btn--sm", "Réessayer maintenant");
    button.type = "button";
    button.addEventListener("click", () => this.flush());
    const tick = () => {
      const seconds = Math.ceil((until - Date.now()) / 1000);
      if (seconds <= 0) {
        this.flush();
      } else {
        text.data = `Non enregistré : nouvel essai dans ${seconds}\u00a0s. `;
      }
    };
    this.say("", "failed");
    this.state.append(text, button);
    tick();
    this.countdown = setInterval(tick, 1000);
  }

  stopCountdown() {
    clearInterval(this.countdown);
    this.countdown = null;
  }

  say(sentence, kind = "") {
    this.state.textContent = sentence;
    this.state.dataset.state = kind;
  }

  conflict(data) {
    this.waiting = "conflict";
    this.block.querySelector("[data-conflict]")?.remove();
    const box = element("div", "written-conflict");
    box.dataset.conflict = "";
    box.setAttribute("role", "group");
    const title = element(
      "p",
      "written-conflict__title",
      `${data.by} a modifié ce champ à ${clock(data.at)}, pendant que vous écriviez. Rien n’est perdu : choisissez.`,
    );
    title.id = `conflit-${this.key}`;
    // Announced, but the focus stays where the person is writing.
    title.setAttribute("role", "alert");
    box.setAttribute("aria-labelledby", title.id);
    const theirs = element("pre", "written-conflict__text", data.text || "(vide)");
    theirs.tabIndex = 0;
    theirs.setAttribute("aria-label", `Texte de ${data.by}`);
    const mine = element("button", "fr-btn fr-btn--sm", "Garder ma version");
    mine.type = "button";
    mine.addEventListener("click", () => this.settle(box, data, false));
    const other = element("button", "fr-btn fr-btn--secondary fr-btn--sm", `Prendre celle de ${data.by}`);
    other.type = "button";
    other.addEventListener("click", () => this.settle(box, data, true));
    const actions = element("div", "portal-actions");
    actions.append(mine, other);
    box.append(
      title,
      element("p", "written-conflict__label", `Le texte de ${data.by} :`),
      theirs,
      element("p", "written-conflict__label", "Le vôtre reste dans le champ : vous pouvez y reprendre des passages de l’autre avant de le garder."),
      actions,
    );
    this.state.before(box);
    this.say("Non enregistré : une autre version existe.", "failed");
  }

  settle(box, data, theirs) {
    box.remove();
    this.waiting = "";
    this.revision = data.revision;
    this.base.value = data.base;
    if (!theirs) {
      this.remember(readControl(this.block));
      this.flush();
    } else if (writeControl(this.block, data.value)) {
      this.saved = JSON.stringify(readControl(this.block));
      forget(this.key);
      paintCounter(this.block);
      this.showProblems(data.problems);
      this.say(`Version de ${data.by} reprise.`, "saved");
      showPageState();
    } else {
      // The browser cannot redraw a table by itself: the page comes back with the other's rows.
      this.saved = JSON.stringify(readControl(this.block));
      forget(this.key);
      location.reload();
      return;
    }
    this.block.querySelector("[data-main]")?.focus();
  }
}

// --- The page ---------------------------------------------------------------------------

function element(name, css = "", text = "") {
  const made = document.createElement(name);
  if (css) {
    made.className = css;
  }
  made.textContent = text;
  return made;
}

function lower(sentence) {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}

function showPageState() {
  const savers = [...page.values()];
  let sentence = "";
  if (savers.some((saver) => saver.waiting)) {
    sentence = "Une partie de votre saisie n’est pas encore enregistrée. Elle est gardée dans ce navigateur.";
  } else if (savers.some((saver) => saver.sending || saver.timer)) {
    sentence = "Enregistrement…";
  } else {
    sentence = `Tout est enregistré, à ${clock(Date.now())}.`;
  }
  // Said again only when it changes: a screen reader must not repeat it at each word.
  if (live.textContent !== sentence) {
    live.textContent = sentence;
  }
}

function askToLogIn(data) {
  if (document.getElementById("avis-session")) {
    return;
  }
  const box = element("div", "fr-alert fr-alert--warning fr-mb-3w");
  box.id = "avis-session";
  box.setAttribute("role", "alert");
  const sentence = element("p", "", `${data?.message || "Votre session est terminée."} Rien n’est perdu : ce que vous écrivez est gardé dans ce navigateur, et partira dès que vous serez de nouveau connecté. `);
  const link = element("a", "fr-link", "Se connecter dans un nouvel onglet");
  link.href = form.dataset.loginUrl;
  link.target = "_blank";
  link.rel = "noopener";
  sentence.append(link);
  box.append(sentence);
  notices.append(box);
}

function resend(reasons) {
  for (const saver of page.values()) {
    if (reasons.includes(saver.waiting)) {
      saver.waiting = "";
      saver.flush();
    }
  }
}

// What an earlier visit could not send: this step's fields come back into their place, and the
// portal says if somebody changed them since; the others are sent as they are.
async function takeBack() {
  for (const [key, entry] of kept()) {
    const saver = page.get(key);
    if (!saver) {
      await sendElsewhere(key, entry);
    } else if (JSON.stringify(entry.value) === saver.saved) {
      forget(key);
    } else if (writeControl(saver.block, entry.value)) {
      saver.revision = entry.revision;
      paintCounter(saver.block);
      saver.say("Votre saisie gardée dans ce navigateur est reprise.");
      saver.flush();
    } else {
      await sendElsewhere(key, entry);
    }
  }
}

async function sendElsewhere(key, entry) {
  if (typeof entry.url !== "string" || !entry.url.startsWith("/")) {
    forget(key);
    return;
  }
  const { status, data } = await send(entry.url, entry.value, entry.revision);
  if (status === 200) {
    forget(key);
    if (page.has(key)) {
      location.reload();
    }
  } else if (status === 401) {
    askToLogIn(data);
  } else if (status === 409 || status === 422) {
    const box = element("div", "fr-alert fr-alert--warning fr-mb-3w");
    box.setAttribute("role", "status");
    const sentence = element("p", "", `Une saisie du ${day(entry.at)} à ${clock(entry.at)} dans « ${entry.label} » n’a pas pu être enregistrée : ${lower(data?.message || "")} Elle est gardée ici : `);
    const text = element("pre", "written-conflict__text", typeof entry.value === "string" ? entry.value : JSON.stringify(entry.value, null, 1));
    text.tabIndex = 0;
    const actions = element("div", "portal-actions");
    if (status === 409) {
      const mine = element("button", "fr-btn fr-btn--sm", "Mettre cette saisie à la place");
      mine.type = "button";
      mine.addEventListener("click", () => {
        box.remove();
        keep(key, { ...entry, revision: data.revision });
        sendElsewhere(key, { ...entry, revision: data.revision });
      });
      actions.append(mine);
    }
    const drop = element("button", "fr-btn fr-btn--secondary fr-btn--sm", "Abandonner cette saisie");
    drop.type = "button";
    drop.addEventListener("click", () => {
      forget(key);
      box.remove();
    });
    actions.append(drop);
    box.append(sentence, text, actions);
    notices.append(box);
  }
}

function openMissingPanel(panel) {
  panel.addEventListener("toggle", async () => {
    if (!panel.open) {
      return;
    }
    try {
      const response = await fetch(panel.dataset.url, {
        credentials: "same-origin",
        headers: { "X-Fragment": "1" },
      });
      if (response.ok && !response.redirected) {
        panel.querySelector("[data-missing-list]").innerHTML = await response.text();
        const count = response.headers.get("X-Missing-Label");
        if (count) {
          panel.querySelector("[data-missing-count]").textContent = decodeURIComponent(count);
        }
      }
    } catch {
      // The list of a moment ago stays.
    }
  });
}

if (form) {
  for (const block of document.querySelectorAll("[data-field]")) {
    page.set(block.dataset.field, new FieldSaver(block));
    paintCounter(block);
  }
  document.documentElement.classList.add("written-autosaves");
  // What was typed while this script was on its way, or put back by the browser.
  const typedBefore = [...page.values()].filter((saver) => saver.dirty);
  takeBack().then(() => typedBefore.forEach((saver) => saver.changed(0)));

  window.addEventListener("online", () => resend(["retry"]));
  window.addEventListener("focus", () => resend(["login"]));
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      resend(["login"]);
    } else {
      for (const saver of page.values()) {
        if (saver.timer) {
          saver.flush({ keepalive: true });
        }
      }
    }
  });

  let held = false;
  let released = false;
  form.addEventListener("submit", async (event) => {
    const underWay = [...page.values()].map((saver) => saver.sending).filter(Boolean);
    if (!released && (held || underWay.length > 0)) {
      // Sent beside a save that is under way, the form would pass for somebody else's change.
      event.preventDefault();
      if (held) {
        return;
      }
      const button = event.submitter;
      held = true;
      await Promise.race([
        Promise.allSettled(underWay),
        new Promise((resolve) => setTimeout(resolve, 3000)),
      ]);
      held = false;
      released = true;
      form.requestSubmit(button);
      released = false;
      return;
    }
    // The form itself carries every field of the step.
    leavingByForm = true;
    for (const saver of page.values()) {
      clearTimeout(saver.timer);
    }
  });
  window.addEventListener("pageshow", () => {
    leavingByForm = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (!leavingByForm && [...page.values()].some((saver) => saver.dirty)) {
      event.preventDefault();
    }
  });
  // A link of the page waits for what was just typed, instead of asking about it.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[href]");
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (!link || !plain || link.target || link.origin !== location.origin || event.defaultPrevented) {
      return;
    }
    if (link.pathname === location.pathname && link.hash) {
      return;
    }
    const savers = [...page.values()].filter((saver) => saver.dirty && !saver.waiting);
    if (savers.length > 0) {
      event.preventDefault();
      await Promise.race([
        Promise.all(savers.map((saver) => saver.settled())),
        new Promise((resolve) => setTimeout(resolve, 3000)),
      ]);
      location.assign(link.href);
    }
  });

  for (const panel of document.querySelectorAll("details[data-missing]")) {
    openMissingPanel(panel);
  }
}
