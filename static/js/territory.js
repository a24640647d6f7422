// The territory without reloading the page: a commune is found while its name is typed, added and
// removed in place. Without this script the page's own forms do the same work.

const LOST =
  "Le territoire n’a pas pu être modifié : la connexion est coupée ou votre session a pris fin. " +
  "Rien n’est perdu. Reconnectez-vous au besoin dans un autre onglet, puis recommencez.";
const PAUSE = 180;

function element(tag, attributes = {}, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    made.setAttribute(name, value);
  }
  made.textContent = text;
  return made;
}

class Territory {
  constructor(root) {
    this.root = root;
    this.mode = root.dataset.territory;
    this.live = element("p", { role: "status", class: "fr-sr-only" });
    root.prepend(this.live);
    this.last = Promise.resolve();
    this.prepare();
    root.addEventListener("click", (event) => this.clicked(event));
    root.addEventListener("submit", (event) => this.submitted(event));
    // What is chosen on the map goes through the same door, each gesture in its turn.
    document.addEventListener("territory:send", ({ detail }) => this.send(detail.action, detail.data));
    this.makeSearch();
  }

  get state() {
    return this.root.querySelector("[data-territory-state]");
  }

  /** Buttons that only this script serves appear with it. */
  prepare() {
    for (const button of this.state.querySelectorAll("[data-remove][hidden]")) {
      button.hidden = false;
    }
  }

  say(text) {
    this.live.textContent = "";
    // A message equal to the one before is read again all the same.
    requestAnimationFrame(() => {
      this.live.textContent = text;
    });
  }

  /** One gesture after the other, in the order they were made. */
  send(action, data) {
    this.last = this.last.then(() => this.post(action, data));
    return this.last;
  }

  async post(action, data) {
    const body = new URLSearchParams(data);
    body.set("ouvert", this.state.dataset.opened);
    this.state.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(this.root.dataset.changeUrl.replace(/action\/$/, `${action}/`), {
        method: "POST",
        body,
        headers: {
          "X-CSRFToken": document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "",
          "X-Fragment": this.mode,
        },
      });
      if (response.headers.get("X-Fragment") !== "territory") {
        throw new Error(String(response.status));
      }
      this.show(await response.text());
      return response.ok;
    } catch {
      this.state.removeAttribute("aria-busy");
      const said = this.state.querySelector("[data-territory-said]");
      said.replaceChildren(element("p", { class: "fr-error-text" }, LOST));
      this.say(LOST);
      // What is drawn stays what the server last said.
      document.dispatchEvent(new CustomEvent("territory:lost", { detail: { said: LOST } }));
      return false;
    }
  }

  show(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = template.content.querySelector("[data-territory-state]");
    this.state.replaceWith(fresh);
    this.prepare();
    const said = fresh.querySelector("[data-territory-said] p")?.textContent ?? "";
    const facts = [...fresh.querySelectorAll(".territory-figures__list dd")].slice(0, 3);
    this.say([said, ...facts.map((fact) => `${fact.textContent}.`)].join(" "));
    this.tellOthers(fresh);
    document.dispatchEvent(new CustomEvent("territory:changed", { detail: { said } }));
  }

  /** The population and the size may stand elsewhere on the page. */
  tellOthers(fresh) {
    const elsewhere = fresh.querySelector("[data-territory-elsewhere]");
    const sentence = elsewhere?.content.querySelector("[data-population]");
    for (const place of document.querySelectorAll("[data-population]")) {
      if (sentence) {
        place.replaceWith(sentence.cloneNode(true));
      }
    }
    const rank = Number(fresh.dataset.sizeRank);
    for (const list of document.querySelectorAll("[data-size-class]")) {
      [...list.children].forEach((box, index) => {
        const ticked = index + 1 === rank;
        box.classList.toggle("written-box--ticked", ticked);
        box.querySelector(".fr-sr-only")?.remove();
        if (ticked) {
          box.append(element("span", { class: "fr-sr-only" }, " (taille du territoire)"));
        }
      });
    }
  }

  clicked(event) {
    const button = event.target.closest("[data-remove], [data-add-whole]");
    if (!button) {
      return;
    }
    event.preventDefault();
    if (button.hasAttribute("data-add-whole")) {
      this.send("intercommunalite", { siren: button.value }).then(() => this.state.focus());
      return;
    }
    const rank = [...this.state.querySelectorAll("[data-remove]")].indexOf(button);
    this.send("retirer", { part: button.value }).then(() => {
      const left = [...this.state.querySelectorAll("[data-remove]")];
      (left[Math.min(rank, left.length - 1)] ?? this.state).focus();
    });
  }

  submitted(event) {
    const form = event.target.closest("[data-territory-form]");
    if (!form) {
      return;
    }
    event.preventDefault();
    const action = form.getAttribute("action").split("/").at(-2);
    const inState = this.state.contains(form);
    this.send(action, new FormData(form)).then(() => inState && this.state.focus());
  }

  // --- The search: a combobox as ARIA describes it ---------------------------------------

  makeSearch() {
    const place = this.root.querySelector("[data-territory-search]");
    if (!place) {
      return;
    }
    this.input = place.querySelector("input");
    if (!this.input) {
      this.input = element("input", {
        class: "fr-input",
        type: "text",
        id: "recherche-commune",
        maxlength: "120",
        autocomplete: "off",
        spellcheck: "false",
      });
      const label = element("label", { class: "fr-label", for: this.input.id }, "Ajouter une commune");
      label.append(element("span", { class: "fr-hint-text" }, "Nom, code postal ou code INSEE."));
      const box = element("div", { class: "territory-search__box" });
      box.append(this.input);
      place.append(label, box);
    }
    const list = { role: "listbox", id: `${this.input.id}-liste`, "aria-label": "Communes trouvées", class: "territory-listbox" };
    this.list = element("ul", list);
    this.list.hidden = true;
    this.input.after(this.list);
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-autocomplete": "list",
      "aria-expanded": "false",
      "aria-controls": this.list.id,
    })) {
      this.input.setAttribute(name, value);
    }
    this.options = [];
    this.active = -1;
    // Nothing typed here belongs to the step's own form or to its autosave.
    for (const name of ["input", "change"]) {
      this.input.addEventListener(name, (event) => event.stopPropagation());
    }
    this.input.addEventListener("input", () => this.typed());
    this.input.addEventListener("keydown", (event) => this.pressed(event));
    this.input.addEventListener("blur", () => this.close());
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) {
        this.choose(this.options.indexOf(option));
      }
    });
  }

  typed() {
    clearTimeout(this.timer);
    this.request?.abort();
    const text = this.input.value.trim();
    if (text.length < 2) {
      this.close();
      return;
    }
    this.timer = setTimeout(() => this.look(text), PAUSE);
  }

  async look(text) {
    this.request = new AbortController();
    const url = `${this.root.dataset.searchUrl}?q=${encodeURIComponent(text)}`;
    try {
      const response = await fetch(url, {
        signal: this.request.signal,
        headers: { Accept: "application/json" },
      });
      if (response.redirected || !response.ok) {
        throw new Error(String(response.status));
      }
      this.open((await response.json()).results, text);
    } catch (error) {
      if (error.name !== "AbortError") {
        this.close();
        this.say("La recherche ne répond pas. Vérifiez la connexion, puis recommencez.");
      }
    }
  }

  open(results, text) {
    this.active = -1;
    this.input.removeAttribute("aria-activedescendant");
    this.options = results.map((found, index) => {
      const option = element("li", { role: "option", id: `${this.list.id}-${index}`, "aria-selected": "false" });
      option.dataset.code = found.code;
      option.append(element("span", {}, found.label));
      const people = found.population === null ? "" : `, ${found.population.toLocaleString("fr-FR")} hab.`;
      option.append(element("span", { class: "portal-muted" }, ` ${found.code}${people}`));
      return option;
    });
    const none = element("li", { class: "territory-listbox__none", role: "presentation" }, `Aucune commune ne répond à « ${text} ».`);
    this.list.replaceChildren(...(this.options.length ? this.options : [none]));
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", String(this.options.length > 0));
    const count = this.options.length;
    this.say(
      count
        ? `${count} commune${count > 1 ? "s" : ""} trouvée${count > 1 ? "s" : ""}. Flèches pour choisir, Entrée pour ajouter.`
        : none.textContent,
    );
  }

  close() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.list.hidden = true;
    this.options = [];
    this.active = -1;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  pressed(event) {
    const isOpen = this.options.length > 0;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) {
        this.typed();
        return;
      }
      const step = event.key === "ArrowDown" ? 1 : -1;
      const count = this.options.length;
      const from = this.active < 0 && step < 0 ? 0 : this.active;
      this.activate((from + step + count) % count);
    } else if (event.key === "Enter") {
      if (this.active >= 0) {
        event.preventDefault();
        this.choose(this.active);
      } else if (this.mode === "field") {
        // Enter must not send the step's own form.
        event.preventDefault();
      }
    } else if (event.key === "Escape") {
      if (!this.list.hidden) {
        event.preventDefault();
        this.close();
      } else {
        this.input.value = "";
      }
    }
  }

  activate(index) {
    this.options.forEach((option, rank) => {
      option.setAttribute("aria-selected", String(rank === index));
    });
    this.active = index;
    this.input.setAttribute("aria-activedescendant", this.options[index].id);
    this.options[index].scrollIntoView({ block: "nearest" });
  }

  choose(index) {
    const code = this.options[index].dataset.code;
    this.input.value = "";
    this.close();
    this.send("ajouter", { code });
  }
}

for (const root of document.querySelectorAll("[data-territory]")) {
  new Territory(root);
}
