// Between the page's controls and the document of a bid. Names of controls are paths with hyphens:
// eligibility-members-0-share. Money is typed in 元 and kept in 分.
import { readFen } from "../modules/money.js";

const plain = (text) => text.normalize("NFKC").trim();
const control = (form, name) => form.querySelector(`[name="${name}"]`);

function readOne(shape, element) {
  const text = element.value;
  switch (shape.kind) {
    case "count": {
      const typed = plain(text);
      return typed === "" ? null : /^[0-9]{1,9}$/.test(typed) ? Number(typed) : typed;
    }
    case "money": {
      if (!text.trim()) return null;
      const fen = readFen(text, "元");
      return fen === null || fen >= 10n ** 14n ? text.trim() : Number(fen);
    }
    case "percent":
      return plain(text).replace(/%$/, "") || null;
    case "day":
      return text || null;
    case "credit_code":
      return plain(text).replace(/[\s-]/g, "").toUpperCase();
    default:
      return text.replaceAll("\0", "").trim();
  }
}

function isBlank(row, fields) {
  return fields.every((shape) => shape.kind === "choice" || row[shape.name] === "" || row[shape.name] === null || row[shape.name] === undefined);
}

// What the page says, as the document's JSON. Rows left empty are no rows, except the answers to indicators.
export function collect(form, fields, prefix) {
  const said = {};
  for (const shape of fields) {
    const name = prefix ? `${prefix}-${shape.name}` : shape.name;
    if (shape.kind === "section") said[shape.name] = collect(form, shape.fields, name);
    else if (shape.kind === "rows") said[shape.name] = collectRows(form, shape, name);
    else if (shape.kind === "ticks") {
      said[shape.name] = [...form.querySelectorAll(`[name="${name}"]:checked`)].map((box) => box.value);
    } else {
      const element = control(form, name);
      if (shape.kind === "flag") said[shape.name] = Boolean(element?.checked);
      else said[shape.name] = element ? readOne(shape, element) : shape.kind === "text" ? "" : null;
    }
  }
  return said;
}

function collectRows(form, shape, name) {
  const rows = [];
  for (let index = 0; control(form, `${name}-${index}-${shape.fields[0].name}`); index += 1) {
    const row = collect(form, shape.fields, `${name}-${index}`);
    if (shape.name === "responses" || !isBlank(row, shape.fields)) rows.push(row);
  }
  return rows;
}

function money(fen) {
  const rest = fen % 100;
  return `${Math.floor(fen / 100)}${rest ? `.${String(rest).padStart(2, "0")}` : ""}`;
}

function writeOne(shape, element, value) {
  if (value === null || value === undefined) value = "";
  if (shape.kind === "money" && Number.isSafeInteger(value)) value = money(value);
  if (shape.kind === "choice" && value === "") element.selectedIndex = 0;
  else if (element.value !== String(value)) element.value = String(value); // else the caret of whoever types would jump
  if (shape.name === "file") element.dataset.wanted = String(value); // its options come with the list of files
}

// Puts a document into the page, adding rows where it has more.
export function fill(form, fields, said, prefix) {
  for (const shape of fields) {
    const name = prefix ? `${prefix}-${shape.name}` : shape.name;
    const value = said?.[shape.name];
    if (shape.kind === "section") fill(form, shape.fields, value, name);
    else if (shape.kind === "rows") fillRows(form, shape, value ?? [], name);
    else if (shape.kind === "ticks") {
      for (const box of form.querySelectorAll(`[name="${name}"]`)) box.checked = (value ?? []).includes(box.value);
    } else {
      const element = control(form, name);
      if (!element) continue;
      if (shape.kind === "flag") element.checked = value === true;
      else if (!(name.startsWith("technical-responses") && shape.name === "indicator")) writeOne(shape, element, value);
    }
  }
}

function fillRows(form, shape, rows, name) {
  const list = form.querySelector(`[data-module~="repeat"][data-name="${name}"]`);
  const add = list?.querySelector("[data-add]");
  const first = shape.fields[0].name;
  for (let index = 0; index < rows.length; index += 1) {
    if (!control(form, `${name}-${index}-${first}`)) {
      if (!add || add.hidden) return;
      add.click();
    }
    fill(form, shape.fields, rows[index], `${name}-${index}`);
  }
  for (let index = rows.length; control(form, `${name}-${index}-${first}`); index += 1) fill(form, shape.fields, {}, `${name}-${index}`);
}

// The control that a finding is about: path "lines.0.item" of the price envelope → #price-lines-0-item.
export function target(form, envelope, path) {
  const id = (envelope === "price" ? `price.${path}` : path).replaceAll(".", "-");
  if (path.startsWith("files")) return document.getElementById("file-role");
  for (let name = id; name; name = name.slice(0, Math.max(0, name.lastIndexOf("-")))) {
    const element = document.getElementById(name);
    if (element) return element;
  }
  return form;
}
