// Reads and writes the controls of one field of a letter, whatever its kind. The values are
// the ones the form itself would post; the portal tidies them.

function readParts(block) {
  const parts = {};
  for (const control of block.querySelectorAll("[data-part]")) {
    if (control.type !== "radio") {
      parts[control.dataset.part] = control.value;
    } else if (control.checked) {
      parts[control.dataset.part] = control.value;
    } else {
      parts[control.dataset.part] ??= "";
    }
  }
  return parts;
}

function readRow(row) {
  const cells = {};
  for (const control of row.querySelectorAll("[data-column]")) {
    cells[control.dataset.column] = control.value;
  }
  return cells;
}

const isBlank = (cells) => Object.values(cells).every((text) => text.trim() === "");

function readTable(block) {
  const rows = [...block.querySelectorAll("tr[data-row]")];
  if (block.dataset.rows === "fixed") {
    return rows.map((row) => ({ row: row.dataset.row, ...readRow(row) }));
  }
  return rows.map(readRow).filter((cells) => !isBlank(cells));
}

export function readControl(block) {
  switch (block.dataset.kind) {
    case "table":
      return readTable(block);
    case "choice":
      return block.querySelector("input:checked")?.value ?? "";
    case "structure":
    case "population":
      return readParts(block);
    default:
      return block.querySelector("[data-main]").value;
  }
}

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
  // `letter-tables.js` makes rows; without enough of them the page must come back.
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
      ? `${figure.format(length)} caractères : ${figure.format(over)} de trop (limite ${figure.format(limit)}).`
      : `${figure.format(length)} caractères sur ${figure.format(limit)}.`;
  counter.classList.toggle("letter-counter--over", over > 0);
}
