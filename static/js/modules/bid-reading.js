// The bidder's own sealed bid, opened here and nowhere else.
import { Draft } from "../bids/draft.js";
import { able, unlock } from "../bids/key.js";
import { element, size } from "../bids/view.js";
import { ENVELOPES } from "../sealing/wire.js";
import { pick } from "./language.js";

const english = document.documentElement.lang === "en" ? 1 : 0;

export default async function bidReading(root) {
  const where = { base: root.dataset.base, csrf: root.dataset.csrf, keyUrl: root.dataset.keyUrl };
  if (!able(root)) return;
  const status = root.querySelector("[data-bid-status]");
  try {
    const state = await Draft.load(where.base);
    const draft = new Draft(state, await unlock(root, state, where), where);
    status.textContent = pick("正在解密并核对……", "Decrypting and checking …");
    const from = await draft.sealedKeys();
    for (const name of ENVELOPES) {
      const form = await draft.sealedForm(from, name);
      const box = root.querySelector(`[data-envelope="${name}"]`);
      box.replaceChildren(document_(draft.rules.shapes[name], form.fields), files(draft, from, name, form.files));
    }
    root.querySelector("[data-bid-body]").hidden = false;
    status.textContent = pick("已解密，与清单的指纹一致。", "Decrypted; everything is as the manifest states.");
    root.dataset.ready = "";
  } catch (problem) {
    const error = root.querySelector("[data-seal-error]");
    error.textContent = problem.message;
    error.hidden = false;
    status.textContent = "";
  }
}

function shown(shape, value) {
  if (value === null || value === undefined || value === "") return "—";
  if (shape.kind === "money" && Number.isSafeInteger(value)) return `${(value / 100).toLocaleString("zh-CN", { minimumFractionDigits: 2 })} ${pick("元", "yuan")}`;
  if (shape.kind === "percent") return `${value}%`;
  if (shape.kind === "choice") return shape.choices[value]?.[english] ?? String(value);
  return String(value);
}

function document_(shapes, said) {
  const list = element("dl", "fact-list");
  for (const shape of shapes) {
    const value = said?.[shape.name];
    if (shape.kind === "section") {
      list.append(...document_(shape.fields, value).childNodes);
      continue;
    }
    const row = element("div");
    row.append(element("dt", "", shape.label[english]));
    const cell = element("dd");
    if (shape.kind === "rows") cell.append(table(shape, value ?? []));
    else if (shape.kind === "ticks") cell.textContent = (value ?? []).map((code) => shape.choices[code]?.[english] ?? code).join(english ? "; " : "；") || "—";
    else for (const line of shown(shape, value).split("\n")) cell.append(element("p", "", line));
    row.append(cell);
    list.append(row);
  }
  return list;
}

function table(shape, rows) {
  if (!rows.length) return element("p", "", "—");
  const made = element("table", "data-table data-table--cards");
  const head = made.createTHead().insertRow();
  for (const field of shape.fields) {
    const cell = element("th", "", field.label[english]);
    cell.scope = "col";
    head.append(cell);
  }
  const body = made.createTBody();
  for (const row of rows) {
    const line = body.insertRow();
    for (const field of shape.fields) {
      const cell = line.insertCell();
      cell.dataset.label = field.label[english];
      cell.textContent = shown(field, row[field.name]);
    }
  }
  return made;
}

function files(draft, from, name, entries) {
  const list = element("ul", "bid-files");
  list.setAttribute("role", "list");
  for (const entry of entries) {
    const row = element("li");
    const text = element("div");
    text.append(element("b", "", entry.name), element("small", "", `${draft.rules.roles[entry.role]?.label[english] ?? ""} · ${size(entry.size)}`));
    const button = element("button", "button button--line button--small", pick("解密下载", "Decrypt and download"));
    button.type = "button";
    button.append(element("span", "visually-hidden", ` ${entry.name}`));
    button.addEventListener("click", async () => {
      const file = await draft.sealedFile(from, name, entry);
      const link = element("a");
      link.href = URL.createObjectURL(new Blob([file], { type: "application/octet-stream" }));
      link.download = entry.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    });
    row.append(text, button);
    list.append(row);
  }
  return list;
}
