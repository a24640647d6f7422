// What deserves a look in the territory, fetched after the page and again after each change.
// Without this script a link leads to the same sentences.

const PAUSE = 300;

class Checks {
  constructor(root) {
    this.root = root;
    this.body = root.querySelector("[data-checks-body]");
    this.said = root.querySelector("[data-checks-said]");
    this.link = this.body.firstElementChild;
    document.addEventListener("territory:changed", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.read(), PAUSE);
    });
    this.read();
  }

  /** Only the answer to the last question is shown. */
  async read() {
    this.request?.abort();
    this.request = new AbortController();
    this.body.setAttribute("aria-busy", "true");
    try {
      const response = await fetch(this.root.dataset.checksUrl, {
        headers: { "X-Fragment": "checks" },
        signal: this.request.signal,
      });
      if (!response.ok || response.headers.get("X-Fragment") !== "checks") {
        throw new Error(String(response.status));
      }
      const template = document.createElement("template");
      template.innerHTML = await response.text();
      this.body.replaceChildren(template.content);
      this.tell();
    } catch (error) {
      if (error.name === "AbortError") {
        return;
      }
      const lost = document.createElement("p");
      lost.textContent = "Les vérifications ne répondent pas. Vérifiez la connexion, ou ouvrez leur page.";
      this.body.replaceChildren(lost, this.link);
    }
    this.body.removeAttribute("aria-busy");
  }

  /** Said aloud only when their number changes: the list is there to be read. */
  tell() {
    const count = this.body.querySelectorAll("li").length;
    if (this.count !== undefined && this.count !== count) {
      this.said.textContent = count
        ? `${count} point${count > 1 ? "s" : ""} à vérifier dans le territoire.`
        : "Plus rien à vérifier dans le territoire.";
    }
    this.count = count;
  }
}

for (const root of document.querySelectorAll("[data-territory-checks]")) {
  new Checks(root);
}
