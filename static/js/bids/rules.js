// What is missing in a bid; the twin of marketplace/bids/{shape,validity}.py over the rules that the page carries.
// A finding is {path, code, values, label}; the same hundred cases run through both.
import { fault as creditCodeFault } from "../modules/credit-code.js";

const ROWS_READ = 200;
const PERCENT = /^[0-9]{1,3}(\.[0-9]{1,2})?$/;
const DAY = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const NONE = ["", ""];

export const stripped = (text) => text.replace(/^[ \t\r\n\u00a0\u3000]+|[ \t\r\n\u00a0\u3000]+$/g, "");
const lengthOf = (text) => [...text].length;
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isWhole = (value) => Number.isSafeInteger(value);
const found = (path, code, values = {}, label = NONE) => ({ path, code, values, label });

function isDay(value) {
  if (typeof value !== "string" || !DAY.test(value)) return false;
  const [year, month, day] = value.split("-").map(Number);
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return year > 0 && date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

const hundredths = (text) => (typeof text === "string" && PERCENT.test(text) ? Math.round(Number(text) * 100) : 0);

function plainPercent(number) {
  return String(number / 100);
}

// --- shape --------------------------------------------------------------------------------------------------------

function shapeFindings(fields, data, asked, path) {
  const source = isObject(data) ? data : {};
  return fields.flatMap((shape) => check(shape, source[shape.name], path + shape.name, asked));
}

function check(shape, value, path, asked) {
  const required = shape.required && (!shape.when || asked.has(shape.when));
  const say = (code, values = {}) => [found(path, code, values, shape.label)];
  switch (shape.kind) {
    case "section":
      return shapeFindings(shape.fields, value, asked, `${path}.`);
    case "rows":
      return checkRows(shape, value, path, asked);
    case "ticks": {
      const listed = Array.isArray(value) ? value : [];
      return shape.must.filter((item) => !listed.includes(item)).map((item) => found(`${path}.${item}`, "promise", {}, shape.choices[item]));
    }
    case "flag":
      return value !== null && value !== undefined && typeof value !== "boolean" ? say("format") : [];
    case "choice":
      if (value === null || value === undefined || value === "") return required ? say("choose") : [];
      return Object.hasOwn(shape.choices, value) ? [] : say("format");
    default:
      if (value === null || value === undefined || (typeof value === "string" && !stripped(value))) {
        return required ? say("missing") : [];
      }
      return checkValue(shape, value, say);
  }
}

function checkRows(shape, value, path, asked) {
  const listed = Array.isArray(value) ? value : [];
  const list = [];
  if (value !== null && value !== undefined && !Array.isArray(value)) list.push(found(path, "format", {}, shape.label));
  if (listed.length < shape.least) list.push(found(path, "few", { least: shape.least }, shape.label));
  if (listed.length > shape.most) list.push(found(path, "many", { most: shape.most }, shape.label));
  listed.slice(0, ROWS_READ).forEach((row, index) => list.push(...shapeFindings(shape.fields, row, asked, `${path}.${index}.`)));
  return list;
}

function checkValue(shape, value, say) {
  switch (shape.kind) {
    case "text": {
      if (typeof value !== "string") return say("format");
      const text = stripped(value);
      const n = lengthOf(text);
      if (n < shape.least) return say("short", { least: shape.least, n });
      if (n > shape.most) return say("long", { most: shape.most, n });
      return shape.pattern && !new RegExp(`^(?:${shape.pattern})$`, "u").test(text) ? say("format") : [];
    }
    case "credit_code":
      return typeof value === "string" && /^[0-9A-Z]{18}$/.test(value) && creditCodeFault(value) === null ? [] : say("format");
    case "count":
    case "money":
      if (!isWhole(value)) return say("format");
      return value < shape.least || value > shape.most ? say("range", { least: shape.least, most: shape.most }) : [];
    case "percent":
      if (typeof value !== "string" || !PERCENT.test(value)) return say("format");
      return hundredths(value) > 0 && hundredths(value) <= 10000 ? [] : say("range", { least: 0, most: 100 });
    default:
      return isDay(value) ? [] : say("format");
  }
}

// --- several fields, and what the demand asks -----------------------------------------------------------------------

const rowsOf = (value) => (Array.isArray(value) ? value.slice(0, ROWS_READ).map((row) => (isObject(row) ? row : {})) : []);
const textOf = (value) => (typeof value === "string" ? value : "");
const numberOf = (value) => (isWhole(value) ? value : null);

function hundred(percents, path, label) {
  const total = percents.reduce((sum, text) => sum + hundredths(text), 0);
  return percents.length && total !== 10000 ? [found(path, "hundred", { n: plainPercent(total) }, label)] : [];
}

function consortium(said, terms, files) {
  const path = "eligibility.members";
  const members = rowsOf(said.members);
  const codes = members.map((member) => textOf(member.credit_code));
  const list = hundred(members.map((member) => member.share), path, ["份额", "Shares"]);
  if (members.length && codes[0] !== textOf(said.credit_code)) list.push(found(path, "lead"));
  if (new Set(codes).size < codes.length) list.push(found(path, "twice"));
  if (members.length > 1 && terms.consortium_most === 1) list.push(found(path, "no_consortium"));
  else if (members.length > Math.max(terms.consortium_most, 1)) list.push(found(path, "consortium_most", { most: terms.consortium_most }));
  if (members.length > 1) {
    members.forEach((member, index) => {
      if (!stripped(textOf(member.tasks))) list.push(found(`${path}.${index}.tasks`, "tasks"));
    });
    if (!files.some(([, role]) => role === "agreement")) list.push(found("files.agreement", "agreement"));
  }
  return list;
}

function responses(said, terms, files) {
  const path = "technical.responses";
  const rows = rowsOf(said.responses);
  const parts = new Set(files.map(([part]) => part));
  const list = [];
  if (rows.length !== terms.indicators.length) list.push(found(path, "responses", { least: terms.indicators.length, n: rows.length }));
  rows.slice(0, terms.indicators.length).forEach((row, index) => {
    if (textOf(row.indicator) !== terms.indicators[index]) list.push(found(`${path}.${index}.indicator`, "response_name", { n: index + 1 }));
  });
  for (const [where, table] of [[path, rows], ["technical.track", rowsOf(said.track)]]) {
    table.forEach((row, index) => {
      const file = numberOf(row.file);
      if (file !== null && !parts.has(file)) list.push(found(`${where}.${index}.file`, "no_file"));
    });
  }
  return list;
}

function documents(said, rules, files) {
  const { terms } = rules;
  const promises = rowsOf(said.promises);
  const there = new Set([...files.map(([, role]) => role), ...promises.map((promise) => textOf(promise.document))]);
  const list = terms.documents.filter((name) => !there.has(name)).map((name) => found(`files.${name}`, "document", {}, rules.documents[name]));
  promises.forEach((promise, index) => {
    const due = isDay(promise.due_on) ? promise.due_on : "";
    if ((due && terms.promise_from && due < terms.promise_from) || (due && terms.promise_until && due > terms.promise_until)) {
      list.push(found(`eligibility.promises.${index}.due_on`, "promise_late", { from_: terms.promise_from, until: terms.promise_until }));
    }
    const name = textOf(promise.document);
    if (name && promises.slice(0, index).some((other) => textOf(other.document) === name)) {
      list.push(found(`eligibility.promises.${index}.document`, "twice"));
    }
  });
  return list;
}

function milestones(said, terms) {
  const path = "technical.milestones";
  const rows = rowsOf(said.milestones);
  const list = hundred(rows.map((row) => row.percent), path, ["付款比例", "Shares of the payment"]);
  if (rows.length && Math.max(...rows.map((row) => numberOf(row.months) ?? 0)) > terms.period_months) {
    list.push(found(path, "period", { most: terms.period_months }));
  }
  return list;
}

function* texts(shape, value, path) {
  if (shape.kind === "rows") {
    for (const [index, row] of rowsOf(value).entries()) {
      for (const inner of shape.fields) yield* texts(inner, row[inner.name], `${path}.${index}.${inner.name}`);
    }
  } else if (typeof value === "string") {
    yield [path, value];
  }
}

function named(said, judged, rules) {
  if (!rules.terms.blind) return [];
  const names = new Set([
    textOf(said.bidder),
    ...rowsOf(said.members).map((member) => textOf(member.name)),
    ...rowsOf(said.people).map((person) => textOf(person.employer)),
  ].map(stripped));
  const shape = rules.shapes.technical.find((one) => one.name === "technical");
  const written = shape.fields.flatMap((inner) => [...texts(inner, judged[inner.name], `technical.${inner.name}`)]);
  const byCodePoint = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  return [...names].sort(byCodePoint).filter((name) => lengthOf(name) >= 4).flatMap((name) => {
    const first = written.find(([, text]) => text.includes(name));
    return first ? [found(first[0], "named", { name })] : [];
  });
}

function yuan(fen) {
  const whole = Math.floor(Math.abs(fen) / 100);
  const rest = Math.abs(fen) % 100;
  return rest ? `${whole}.${String(rest).padStart(2, "0")}` : String(whole);
}

function price(fields, terms) {
  const total = numberOf(fields.total_fen);
  const subsidy = numberOf(fields.subsidy_fen);
  const lines = rowsOf(fields.lines);
  const list = [];
  if (terms.asked.includes("total") && !lines.length) list.push(found("lines", "few", { least: 1 }, ["分项报价", "Price lines"]));
  const summed = lines.reduce((sum, line) => sum + (numberOf(line.amount_fen) ?? 0), 0);
  if (total !== null && lines.length && summed !== total) list.push(found("total_fen", "sum", { n: yuan(summed - total) }));
  if (total !== null && subsidy !== null && subsidy > total) list.push(found("subsidy_fen", "over_total"));
  if (terms.budget_fen === null) return list;
  if (terms.budget_limits === "total" && total !== null && total > terms.budget_fen) {
    list.push(found("total_fen", "over_budget", { n: yuan(terms.budget_fen) }));
  }
  if (terms.budget_limits === "subsidy" && subsidy !== null && subsidy > terms.budget_fen) {
    list.push(found("subsidy_fen", "over_subsidy", { n: yuan(terms.budget_fen) }));
  }
  return list;
}

// [label, number] of the list and the row that a path leads into, else null.
function placeOf(fields, path) {
  const [name, ...rest] = path.split(".");
  const shape = fields.find((item) => item.name === name);
  if (!shape) return null;
  if (shape.kind === "section") return placeOf(shape.fields, rest.join("."));
  return shape.kind === "rows" && /^[0-9]+$/.test(rest[0] ?? "") ? [shape.label, Number(rest[0]) + 1] : null;
}

// `rules`: validity.exported(); `files`: [[part, role]] of the envelope.
export function findings(envelope, fields, rules, files = []) {
  const asked = new Set(rules.terms.asked);
  const list = shapeFindings(rules.shapes[envelope], fields, asked, "");
  if (fields.schema !== rules.schema) list.unshift(found("schema", "schema"));
  if (envelope === "technical") {
    const said = isObject(fields.eligibility) ? fields.eligibility : {};
    const judged = isObject(fields.technical) ? fields.technical : {};
    list.push(...consortium(said, rules.terms, files), ...responses(judged, rules.terms, files));
    list.push(...documents(said, rules, files), ...milestones(judged, rules.terms), ...named(said, judged, rules));
  } else {
    list.push(...price(fields, rules.terms));
  }
  if (files.some(([, role]) => rules.roles[role]?.envelope !== envelope)) list.push(found("files", "role"));
  return list.map((one) => ({ ...one, place: placeOf(rules.shapes[envelope], one.path) }));
}

export function sentence(finding, rules, english) {
  const at = english ? 1 : 0;
  const said = rules.messages[finding.code][at].replace(/\{(\w+)\}/g, (_, name) => (name === "label" ? finding.label[at] : String(finding.values[name])));
  if (!finding.place) return said;
  const [label, number] = finding.place;
  return english ? `${label[1]}, ${number}: ${said}` : `${label[0]}第${number}项：${said}`;
}
