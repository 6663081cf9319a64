// What both the form and the seal page show: findings beside the work, lines of an envelope.
import { pick } from "../modules/language.js";
import { ENVELOPES } from "../sealing/wire.js";
import { target } from "./fields.js";
import { findings, sentence } from "./rules.js";

const english = document.documentElement.lang === "en";

export const icon = (name) => document.getElementById(`icon-${name}`).content.firstElementChild.cloneNode(true);

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

export const pairs = (envelope) => [...envelope.files, ...envelope.carry].map(({ part, role }) => [part, role]);

// [{envelope, path, code, text, advice}] of the whole bid.
export function missing(draft) {
  return ENVELOPES.flatMap((name) =>
    findings(name, draft.envelopes[name].fields, draft.rules, pairs(draft.envelopes[name])).map((finding) => ({
      ...finding,
      envelope: name,
      text: sentence(finding, draft.rules, english),
      advice: draft.rules.advice.includes(finding.code),
    })));
}

const SHOWN = 40;

// `link(finding)` gives the href of a line, or a click handler by data-path.
export function showMissing(root, list, formUrl) {
  const blocking = list.filter(({ advice }) => !advice);
  root.querySelector("[data-missing-count]").textContent = blocking.length
    ? pick(`${blocking.length}处`, `${blocking.length} to do`)
    : pick("都齐了", "nothing");
  const items = list.slice(0, SHOWN).map((finding) => {
    const item = element("li");
    item.dataset.state = "missing";
    const link = element("a", "", finding.text);
    link.href = `${formUrl}#${(finding.envelope === "price" ? `price.${finding.path}` : finding.path).replaceAll(".", "-")}`;
    link.dataset.envelope = finding.envelope;
    link.dataset.path = finding.path;
    const text = element("span");
    text.append(link);
    item.append(icon("alert"), text);
    return item;
  });
  if (!list.length) {
    const item = element("li");
    item.append(icon("check"), element("span", "", pick("可以封口", "Ready to be sealed")));
    items.push(item);
  }
  root.querySelector("[data-missing]").replaceChildren(...items);
  return blocking.length;
}

// On the form page a line of the list leads into its field.
export function followLinks(root, form) {
  root.querySelector("[data-missing]").addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (!link) return;
    event.preventDefault();
    const found = target(form, link.dataset.envelope, link.dataset.path);
    const field = found.matches("input, select, textarea") ? found : found.querySelector("input:not([type=hidden]), select, textarea");
    (field ?? found).focus();
    found.scrollIntoView({ block: "center" });
  });
}

// A line as components/envelope.html draws it.
export function part({ name, note = "", state = "", word = "", progress = null }) {
  const row = element("div", "envelope__part");
  row.dataset.state = state;
  const middle = element("div");
  middle.append(element("p", "envelope__name", name));
  if (note) middle.append(element("small", "", note));
  row.append(icon({ sealed: "check-circle", working: "clock", promise: "circle" }[state] ?? "alert"), middle, element("p", "envelope__state", word));
  if (progress !== null) {
    const bar = element("progress");
    bar.max = 100;
    bar.value = progress;
    bar.setAttribute("aria-label", name);
    row.append(bar);
  }
  return row;
}

export function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1 << 20) return `${(bytes / 1024).toFixed(1)} KB`;
  return `${(bytes / (1 << 20)).toFixed(1)} MB`;
}
