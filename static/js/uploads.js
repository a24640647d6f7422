// Attachments: says at once that a file is too large, and sends files from within a step.
// Without this script the page of attachments does the same work with its own forms.

const MAX_SIZE = 10 * 1024 * 1024;

function tooLarge(files) {
  return [...files]
    .filter((file) => file.size > MAX_SIZE)
    .map((file) => `« ${file.name} » pèse plus de 10 Mo. Réduisez-le puis recommencez.`);
}

function showRefusals(slot, sentences) {
  // The list the server put on top speaks of an earlier choice.
  if (slot.closest("form") === null) {
    document.querySelector("[data-error-summary]")?.remove();
  }
  const place = slot.querySelector("[data-slot-refusals]");
  place.setAttribute("role", "alert");
  place.replaceChildren(
    ...sentences.map((sentence) => {
      const line = document.createElement("p");
      line.className = "fr-error-text";
      line.textContent = sentence;
      return line;
    }),
  );
}

function csrfToken() {
  return document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

async function send(slot, input, status) {
  const files = [...input.files];
  const refusals = tooLarge(files);
  if (files.length > Number(slot.dataset.slotRemaining)) {
    refusals.push(`Vous pouvez encore joindre ${slot.dataset.slotRemaining} fichier(s) ici, pas davantage.`);
  }
  if (refusals.length) {
    showRefusals(slot, refusals);
    input.value = "";
    return;
  }
  showRefusals(slot, []);
  input.disabled = true;
  status.textContent = "Envoi en cours…";
  const body = new FormData();
  files.forEach((file) => body.append("files", file));
  try {
    const response = await fetch(slot.dataset.slotUrl, {
      method: "POST",
      body,
      headers: { "X-CSRFToken": csrfToken(), "X-Fragment": "1" },
    });
    const isFragment = response.headers.get("X-Fragment") === "slot";
    if (!isFragment) {
      throw new Error(String(response.status));
    }
    replace(slot, await response.text(), response.ok);
  } catch {
    input.disabled = false;
    input.value = "";
    status.textContent = "";
    showRefusals(slot, [
      "Le fichier n’a pas pu être envoyé : la connexion est coupée ou votre session a pris fin. Rien d’autre n’est perdu. Vérifiez la connexion, reconnectez-vous dans un autre onglet, puis recommencez.",
    ]);
  }
}

function replace(slot, html, done) {
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.querySelector("[data-slot]");
  slot.replaceWith(fresh);
  enhance(fresh);
  const status = fresh.querySelector("[data-slot-status]");
  if (done && status) {
    status.textContent = "Fichier joint.";
  }
  fresh.querySelector(done ? "h2" : "[data-slot-refusals]").setAttribute("tabindex", "-1");
  fresh.querySelector(done ? "h2" : "[data-slot-refusals]").focus();
}

function enhance(slot) {
  const fallback = slot.querySelector("[data-slot-fallback]");
  const url = slot.dataset.slotUrl;
  if (!fallback || !url) {
    return;
  }
  const title = slot.querySelector("h2");
  const input = document.createElement("input");
  input.type = "file";
  input.className = "fr-upload";
  input.id = `${slot.id}-fichier`;
  input.accept = slot.dataset.slotAccept;
  input.multiple = Number(slot.dataset.slotRemaining) > 1;
  input.setAttribute("aria-labelledby", `${input.id}-label ${title.id}`);
  const label = document.createElement("label");
  label.className = "fr-label";
  label.id = `${input.id}-label`;
  label.htmlFor = input.id;
  label.textContent = input.multiple ? "Joindre un ou plusieurs fichiers" : "Joindre un fichier";
  const hint = document.createElement("span");
  hint.className = "fr-hint-text";
  hint.textContent = `${slot.dataset.slotKinds}, 10 Mo au plus. L’envoi commence dès le choix.`;
  label.append(hint);
  const status = document.createElement("p");
  status.className = "fr-hint-text";
  status.setAttribute("role", "status");
  status.setAttribute("data-slot-status", "");
  const group = document.createElement("div");
  group.className = "fr-upload-group";
  group.append(label, input, status);
  // Nothing here belongs to the step's own form or to its autosave.
  for (const event of ["input", "change"]) {
    input.addEventListener(event, (sent) => sent.stopPropagation());
  }
  input.addEventListener("change", () => input.files.length && send(slot, input, status));
  fallback.replaceWith(group);
}

for (const slot of document.querySelectorAll("[data-slot]")) {
  enhance(slot);
}

for (const form of document.querySelectorAll("[data-slot-form]")) {
  form.addEventListener("submit", (event) => {
    const refusals = tooLarge(form.querySelector("input[type=file]").files);
    if (refusals.length) {
      event.preventDefault();
      showRefusals(form.closest("[data-slot]"), refusals);
    }
  });
}
