// Reads and writes the controls of one field of a form, whatever its kind. The values are
// the ones the form itself would post; the portal tidies them.

// What a control holds now, and what it held when the portal sent the page.
const NOW = { value: (control) => control.value, checked: (control) => control.checked };
const SENT = {
  value: (control) =>
    control instanceof HTMLSelectElement
      ? ([...control.options].find((option) => option.defaultSelected) ?? control.options[0]).value
      : control.defaultValue,
  checked: (control) => control.defaultChecked,
};

function readParts(block, read) {
  const parts = {};
  for (const control of block.querySelectorAll("[data-part]")) {
    if (control.type !== "radio" || read.checked(control)) {
      parts[control.dataset.part] = read.value(control);
    } else {
      parts[control.dataset.part] ??= "";
    }
  }
  return parts;
}

function readRow(row, read) {
  const cells = {};
  for (const control of row.querySelectorAll("[data-column]")) {
    cells[control.dataset.column] = read.value(control);
  }
  return cells;
}

const isBlank = (cells) => Object.values(cells).every((text) => text.trim() === "");

function readTable(block, read) {
  const rows = [...block.querySelectorAll("tr[data-row]")];
  if (block.dataset.rows === "fixed") {
    return rows.map((row) => ({ row: row.dataset.row, ...readRow(row, read) }));
  }
  return rows.map((row) => readRow(row, read)).filter((cells) => !isBlank(cells));
}

function readWith(block, read) {
  switch (block.dataset.kind) {
    case "table":
      return readTable(block, read);
    case "choice": {
      const radios = [...block.querySelectorAll("input[type=radio]")];
      const checked = radios.find(read.checked);
      return checked ? read.value(checked) : "";
    }
    case "structure":
    case "population":
      return readParts(block, read);
    default:
      return read.value(block.querySelector("[data-main]"));
  }
}

export const readControl = (block) => readWith(block, NOW);

// What the portal sent, whatever was typed (or put back by the browser) before this script ran.
export const readSent = (block) => readWith(block, SENT);

function writeRow(row, cells) {
  for (const control of row.querySelectorAll("[data-column]")) {
    control.value = cells?.[control.dataset.column] ?? "";
  }
}

function writeTable(block, value) {
  if (!Array.isArray(value)) {
    return false;
  }
  const rows = block.querySelectorAll("tr[data-row]");
  if (block.dataset.rows === "fixed") {
    for (const row of rows) {
      writeRow(row, value.find((cells) => cells.row === row.dataset.row));
    }
    return true;
  }
  // `tables.js` makes rows; without enough of them the page must come back.
  block.dispatchEvent(new CustomEvent("rows-wanted", { detail: value.length }));
  const ready = [...block.querySelectorAll("tr[data-row]")];
  if (ready.length < value.length) {
    return false;
  }
  ready.forEach((row, index) => writeRow(row, value[index]));
  return rows.length > 0;
}

// Puts a value into the controls. False when this page cannot show it.
export function writeControl(block, value) {
  switch (block.dataset.kind) {
    case "table":
      return writeTable(block, value);
    case "choice":
      for (const control of block.querySelectorAll("input[type=radio]")) {
        control.checked = control.value === value;
      }
      return true;
    case "structure":
    case "population":
      for (const control of block.querySelectorAll("[data-part]")) {
        const text = value?.[control.dataset.part] ?? "";
        if (control.type === "radio") {
          control.checked = control.value === text;
        } else {
          control.value = text;
        }
      }
      return true;
    default:
      block.querySelector("[data-main]").value = value ?? "";
      return true;
  }
}

const figure = new Intl.NumberFormat("fr-FR");

export function paintCounter(block) {
  const counter = block.querySelector("[data-counter]");
  if (!counter) {
    return;
  }
  const limit = Number(counter.dataset.limit);
  const length = [...block.querySelector("[data-main]").value].length;
  const over = length - limit;
  counter.textContent =
    over > 0
      ? `${figure.format(length)} caractères : ${figure.format(over)} de trop (limite ${figure.format(limit)}).`
      : `${figure.format(length)} ${length < 2 ? "caractère" : "caractères"} sur ${figure.format(limit)}.`;
  counter.classList.toggle("written-counter--over", over > 0);
}
