// What every page gains from JavaScript. Without it each page still does its work.
import "./kept-text.js";

// After a refused form, the list of errors is what the person must hear first.
const summary = document.querySelector("[data-error-summary]");
if (summary) {
  summary.focus();
}

// A second press on the same button sends nothing. The page may come back from the history.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented || !form.hasAttribute("data-once")) {
    return;
  }
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "true";
  event.submitter?.setAttribute("aria-disabled", "true");
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) {
    return;
  }
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelector("[aria-disabled]")?.removeAttribute("aria-disabled");
  }
});

// Where the tabs of a case are wider than the screen, the one that is open is in sight.
const tab = document.querySelector(".case-tabs [aria-current]");
if (tab) {
  const tabs = tab.closest(".case-tabs");
  tabs.scrollLeft = tab.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - tab.offsetWidth) / 2;
}

// « Afficher » beside a password, made here since it can do nothing without JavaScript.
for (const input of document.querySelectorAll("input[type=password]")) {
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "fr-btn fr-btn--tertiary fr-btn--sm fr-mt-1w";
  toggle.textContent = "Afficher le mot de passe";
  toggle.setAttribute("aria-controls", input.id);
  toggle.addEventListener("click", () => {
    const shown = input.type === "text";
    input.type = shown ? "password" : "text";
    toggle.textContent = shown ? "Afficher le mot de passe" : "Masquer le mot de passe";
  });
  input.insertAdjacentElement("afterend", toggle);
}
