// Tables of a form: add, remove and move rows without a page load, paste from a spreadsheet.
//
// Each button is also a submit button that does the same through the portal when this file
// is not there. Saving is `autosave.js`'s work: a change here is announced as an `input` event.

const live = document.getElementById("etat-tableau");

function say(sentence) {
  live.textContent = sentence;
}

const rowsOf = (block) => [...block.querySelectorAll("tr[data-row]")];
const controlsOf = (row) => [...row.querySelectorAll("[data-column]")];
const isBlank = (row) => controlsOf(row).every((control) => control.value.trim() === "");

function changed(block) {
  block.dispatchEvent(new Event("input", { bubbles: true }));
}

// Names, ids and labels carry the row's number: they follow it when the row moves.
function renumber(block) {
  const { field } = block.dataset;
  if (block.dataset.rows === "fixed") {
    return;
  }
  const rows = rowsOf(block);
  rows.forEach((row, index) => {
    const number = String(index + 1);
    row.querySelector("[data-number]").textContent = number;
    row.id = `champ-${field}-${index}`;
    for (const control of controlsOf(row)) {
      const { column } = control.dataset;
      control.name = `f-${field}-${index}-${column}`;
      control.id = `champ-${field}-${index}-${column}`;
      control.setAttribute("aria-label", `${control.dataset.label}, ligne ${number}`);
    }
    for (const button of row.querySelectorAll("[data-action]")) {
      button.value = `${button.dataset.action}:${field}:${index}`;
      button.setAttribute("aria-label", `${button.textContent.trim()} la ligne ${number}`);
    }
  });
  block.querySelector("[data-row-count]").value = String(rows.length);
}

function limitOf(block) {
  return Number(block.dataset.maxRows);
}

// A new row at the end; null when the table is full.
function grow(block) {
  const rows = rowsOf(block);
  if (rows.length >= limitOf(block)) {
    return null;
  }
  const row = rows[rows.length - 1].cloneNode(true);
  for (const control of controlsOf(row)) {
    control.value = "";
    control.removeAttribute("aria-invalid");
  }
  rows[rows.length - 1].after(row);
  return row;
}

function add(block) {
  const last = rowsOf(block).at(-1);
  const row = isBlank(last) ? last : grow(block);
  if (!row) {
    say(`Ce tableau est complet : ${limitOf(block)} lignes au plus.`);
    return;
  }
  renumber(block);
  controlsOf(row)[0].focus();
  say(`Ligne ${rowsOf(block).indexOf(row) + 1} prête à être remplie.`);
}

function remove(block, row) {
  const index = rowsOf(block).indexOf(row);
  if (rowsOf(block).length === 1) {
    for (const control of controlsOf(row)) {
      control.value = "";
    }
  } else {
    row.remove();
  }
  renumber(block);
  changed(block);
  const rows = rowsOf(block);
  const next = rows[Math.min(index, rows.length - 1)];
  (next.querySelector('[data-action="remove"]') ?? controlsOf(next)[0]).focus();
  say(`Ligne ${index + 1} retirée.`);
}

function move(block, row, step, button) {
  const rows = rowsOf(block);
  const from = rows.indexOf(row);
  const to = from + step;
  if (to < 0 || to >= rows.length) {
    say(step < 0 ? "Cette ligne est déjà la première." : "Cette ligne est déjà la dernière.");
    return;
  }
  if (step < 0) {
    rows[to].before(row);
  } else {
    rows[to].after(row);
  }
  renumber(block);
  changed(block);
  button.focus();
  say(`Ligne ${from + 1} déplacée en position ${to + 1} sur ${rows.length}.`);
}

// What a spreadsheet puts in the clipboard: tabs, line ends, quotes around cells that hold them.
export function readPasted(text) {
  const rows = [[]];
  let cell = "";
  let quoted = false;
  const source = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  for (let i = 0; i < source.length; i += 1) {
    const char = source[i];
    if (quoted) {
      if (char === '"' && source[i + 1] === '"') {
        cell += '"';
        i += 1;
      } else if (char === '"') {
        quoted = false;
      } else {
        cell += char;
      }
    } else if (char === '"' && cell === "") {
      quoted = true;
    } else if (char === "\t") {
      rows.at(-1).push(cell);
      cell = "";
    } else if (char === "\n") {
      rows.at(-1).push(cell);
      rows.push([]);
      cell = "";
    } else {
      cell += char;
    }
  }
  rows.at(-1).push(cell);
  return rows;
}

const plain = (text) =>
  text.normalize("NFD").replace(/\p{Mn}/gu, "").trim().toLowerCase();

// Puts a text into a control; false when a list of choices has no such answer.
function put(control, text) {
  if (control.tagName === "SELECT") {
    const wanted = plain(text);
    const option = [...control.options].find(
      (choice) => plain(choice.text) === wanted || plain(choice.value) === wanted,
    );
    if (!option && wanted !== "") {
      return false;
    }
    control.value = option ? option.value : "";
    return true;
  }
  control.value = control.tagName === "TEXTAREA" ? text : text.replace(/\s*\n\s*/g, " ");
  return true;
}

function paste(block, control, rows) {
  const start = control.closest("tr");
  const fixed = block.dataset.rows === "fixed";
  const first = rowsOf(block).indexOf(start);
  const columns = [...block.querySelectorAll("th[data-column-head]")].map(
    (head) => head.dataset.columnHead,
  );
  const from = columns.indexOf(control.dataset.column);
  const limit = fixed ? rowsOf(block).length : limitOf(block);
  if (first + rows.length > limit) {
    say("");
    report(block, [
      fixed
        ? `Le collage compte ${rows.length} lignes, et le tableau n’en a que ${limit - first} à partir d’ici. Rien n’a été collé : recopiez moins de lignes.`
        : `Le collage porterait le tableau à ${first + rows.length} lignes ; la limite est de ${limit}. Rien n’a été collé : retirez des lignes dans le tableur.`,
    ]);
    return;
  }
  while (rowsOf(block).length < first + rows.length) {
    grow(block);
  }
  renumber(block);
  const wrong = [];
  rows.forEach((cells, offset) => {
    const row = rowsOf(block)[first + offset];
    cells.forEach((text, shift) => {
      const column = columns[from + shift];
      const target = column && row.querySelector(`[data-column="${CSS.escape(column)}"]`);
      if (!target) {
        if (text.trim() !== "") {
          wrong.push(`Ligne ${first + offset + 1} : « ${text.trim()} » n’a pas de colonne où aller.`);
        }
      } else if (!put(target, text)) {
        wrong.push(`Ligne ${first + offset + 1} : « ${text.trim()} » n’est pas une réponse de la colonne « ${target.dataset.label} ».`);
      }
    });
  });
  report(block, wrong);
  changed(block);
  control.focus();
  say(`${rows.length} lignes collées.`);
}

function report(block, sentences) {
  const place = block.querySelector("[data-paste-report]");
  place.replaceChildren(
    ...sentences.map((sentence) => {
      const line = document.createElement("p");
      line.className = "fr-error-text";
      line.textContent = sentence;
      return line;
    }),
  );
}

for (const block of document.querySelectorAll('[data-kind="table"][data-field]')) {
  block.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-action]");
    if (!button) {
      return;
    }
    event.preventDefault();
    const row = button.closest("tr");
    if (button.dataset.action === "add") {
      add(block);
    } else if (button.dataset.action === "remove") {
      remove(block, row);
    } else {
      move(block, row, button.dataset.action === "up" ? -1 : 1, button);
    }
  });
  block.addEventListener("paste", (event) => {
    const control = event.target.closest("[data-column]");
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!control || !text.includes("\t") && (control.tagName === "TEXTAREA" || !text.trimEnd().includes("\n"))) {
      return;
    }
    event.preventDefault();
    paste(block, control, readPasted(text));
  });
  block.addEventListener("rows-wanted", (event) => {
    if (block.dataset.rows !== "fixed") {
      while (rowsOf(block).length < event.detail && grow(block)) {
        // Until there are enough of them, or the table is full.
      }
      renumber(block);
    }
  });
}
