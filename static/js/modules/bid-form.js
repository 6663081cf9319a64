// The bid's form: unlocked with the organisation's key, saved encrypted while one types, checked beside the work.
import { Draft } from "../bids/draft.js";
import { collect, fill, target } from "../bids/fields.js";
import { able, unlock } from "../bids/key.js";
import { merge } from "../bids/merge.js";
import { element, followLinks, icon, missing, showMissing, size } from "../bids/view.js";
import { attach } from "../main.js";
import { now } from "./clock.js";
import { pick } from "./language.js";

export default async function bidForm(root) {
  const where = { base: root.dataset.base, csrf: root.dataset.csrf, keyUrl: root.dataset.keyUrl };
  if (!able(root)) return;
  const status = document.querySelector("[data-bid-status]");
  const say = (text) => (status.textContent = text);
  try {
    const state = await Draft.load(where.base);
    const key = await unlock(root, state, where);
    say(pick("正在打开……", "Opening …"));
    const draft = new Draft(state, key, where);
    await draft.open();
    await start(root, draft, say);
  } catch (error) {
    say(error.message);
  }
}

async function start(root, draft, say) {
  const form = root.querySelector("[data-bid-form]");
  const page = new Page(root, form, draft, say);
  root.querySelector("[data-bid-body]").hidden = false;
  await attach(form); // rows must be able to grow before they are filled
  page.show();
  const heading = document.querySelector("h1"); // rows that were added took the focus: begin at the top again
  heading.tabIndex = -1;
  heading.focus();
  window.scrollTo(0, 0);
  page.watch();
  say(draft.exists ? pick("草稿已打开", "Draft opened") : pick("已按单位资料填好，改动后自动保存", "Filled from your profile; saved as you type"));
  root.dataset.ready = "";
  if (draft.uploading.length) await page.resume();
  if (draft.carrying) await (page.carrying = page.carry());
}

// What a colleague wrote, as text: a table row by row.
function spoken(value) {
  if (Array.isArray(value)) return value.map(spoken).join(" / ");
  if (value && typeof value === "object") return Object.values(value).filter(Boolean).map(spoken).join(" · ");
  return value ? String(value) : pick("（删去了）", "(taken out)");
}

class Page {
  constructor(root, form, draft, say) {
    Object.assign(this, { root, form, draft, say });
    this.timer = 0;
    this.busy = null;
    this.saved = {};
    this.touched = false;
    this.uploads = new Map();
    this.carrying = null;
    draft.onWait = (why) => say(why || pick("网络中断，正在重试，内容都在", "No connection, trying again; nothing is lost"));
  }

  write() {
    const { shapes } = this.draft.rules;
    this.listFiles();
    fill(this.form, shapes.technical, this.draft.envelopes.technical.fields, "");
    fill(this.form, shapes.price, this.draft.envelopes.price.fields, "price");
    this.listFiles();
    for (const field of this.form.querySelectorAll("input, textarea")) field.dispatchEvent(new Event("input")); // counters, 大写
    this.form.dispatchEvent(new Event("input", { bubbles: true }));
    this.collect();
  }

  show() {
    this.write();
    for (const [name, { seen, fields }] of Object.entries(this.draft.envelopes)) this.saved[name] = seen ? JSON.stringify(fields) : "";
  }

  collect() {
    const { shapes, schema } = this.draft.rules;
    this.sum();
    this.draft.envelopes.technical.fields = { schema, ...collect(this.form, shapes.technical, "") };
    this.draft.envelopes.price.fields = { schema, ...collect(this.form, shapes.price, "price") };
    showMissing(this.root, missing(this.draft), "");
  }

  // Sums that add up by themselves: the price lines into the total, shares and percentages beside their rows.
  sum() {
    const { lines } = collect(this.form, this.draft.rules.shapes.price, "price");
    const total = this.form.querySelector("[name=price-total_fen]");
    if (total) {
      const fen = lines.reduce((sum, line) => sum + (Number.isSafeInteger(line.amount_fen) ? line.amount_fen : 0), 0);
      const text = lines.length ? `${Math.floor(fen / 100)}${fen % 100 ? `.${String(fen % 100).padStart(2, "0")}` : ""}` : "";
      if (total.value !== text) {
        total.value = text;
        total.dispatchEvent(new Event("input"));
      }
    }
    for (const output of this.form.querySelectorAll("[data-sum]")) {
      const inputs = this.form.querySelectorAll(`[name^="${output.dataset.sum}-"][name$="-${output.dataset.of}"]`);
      const hundredths = [...inputs].reduce((sum, input) => sum + Math.round((Number(input.value.normalize("NFKC").replace("%", "")) || 0) * 100), 0);
      output.textContent = `${hundredths / 100}%`;
      output.toggleAttribute("data-wrong", hundredths !== 10000);
    }
  }

  watch() {
    followLinks(this.root, this.form);
    this.form.addEventListener("input", (event) => {
      if (event.target.id === "file-pick" || event.target.id === "file-role") return;
      this.touched = true;
      this.collect();
      this.schedule();
    });
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    this.root.querySelector("[data-bid-save]").addEventListener("click", () => this.save());
    this.form.querySelector("#file-pick").addEventListener("change", (event) => this.pick(event.target));
    this.root.querySelector(`a[href="${this.root.dataset.seal}"]`)?.addEventListener("click", async (event) => {
      event.preventDefault();
      await this.carrying; // else the seal page would begin the same files again
      if (await this.save()) location.assign(event.target.href);
    });
    window.addEventListener("beforeunload", (event) => {
      if (this.uploads.size || (this.touched && this.dirty().length)) event.preventDefault();
    });
  }

  dirty() {
    return ["technical", "price"].filter((name) => JSON.stringify(this.draft.envelopes[name].fields) !== this.saved[name]);
  }

  schedule() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), 1500);
  }

  // Saves what changed; one save at a time, the next one waits. True when everything is stored.
  async save({ files = null } = {}) {
    clearTimeout(this.timer);
    while (this.busy) await this.busy;
    this.busy = this.store(files);
    try {
      return await this.busy;
    } finally {
      this.busy = null;
    }
  }

  async store(files) {
    try {
      const names = this.dirty();
      if (files && !names.includes(files)) names.push(files);
      if (names.length) this.say(pick("正在加密保存……", "Encrypting and saving …"));
      for (const name of names) await this.storeOne(name);
      const time = new Date(now()).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Asia/Shanghai" });
      this.say(pick(`${time}已加密保存`, `Saved encrypted at ${time}`));
      return true;
    } catch (error) {
      this.say(error.message);
      return false;
    }
  }

  async storeOne(name) {
    const text = JSON.stringify(this.draft.envelopes[name].fields);
    try {
      await this.draft.saveForm(name);
      this.saved[name] = text;
    } catch (error) {
      if (error.status !== 409 || !this.saved[name]) throw error;
      const theirs = await this.draft.theirs(name).catch(() => null);
      if (!theirs) throw error;
      this.join(name, theirs);
      await this.storeOne(name);
    }
  }

  // A colleague saved first: his changes and ours in one form, and what both changed told beside it.
  join(name, theirs) {
    const { value, both } = merge(JSON.parse(this.saved[name]), this.draft.envelopes[name].fields, theirs.fields);
    this.saved[name] = JSON.stringify(theirs.fields);
    this.draft.adopt(name, { ...theirs, fields: value });
    this.write();
    this.root.querySelector("[data-bid-merged]").hidden = false;
    if (!both.length) return;
    const told = this.root.querySelector("[data-bid-both]");
    told.hidden = false;
    told.querySelector("[data-bid-theirs]").append(...both.map(({ path, theirs: text }) => {
      const field = target(this.form, name, path);
      const label = this.form.querySelector(`label[for="${field.id}"]`)?.firstChild?.textContent.trim() || path;
      return element("li", "", `${label}${pick("：", ": ")}${spoken(text)}`);
    }));
  }

  // --- files --------------------------------------------------------------------------------------------------------

  async pick(input) {
    const role = this.form.querySelector("#file-role").value;
    const name = this.draft.rules.roles[role].envelope;
    const error = this.form.querySelector("[data-file-error]");
    error.hidden = true;
    const files = [...input.files];
    input.value = "";
    for (const file of files) {
      const why = this.draft.whyNotFile(file, name);
      if (why) {
        error.textContent = why;
        error.hidden = false;
        continue;
      }
      await this.upload(name, file, role);
    }
  }

  upload(name, file, role) {
    return this.sending({ file, role, name, percent: 0 }, async (progress) => {
      if (!(await this.save())) throw new Error(pick("草稿没有保存，文件没有上传", "The draft was not saved; the file was not uploaded"));
      await this.draft.addFile(name, file, role, progress);
    });
  }

  // What a reload or a closed page had cut off.
  async resume() {
    for (const { name, entry, sealed } of this.draft.uploading) {
      await this.sending({ file: entry, name, part: sealed.part, percent: 0 }, (progress) => {
        this.say(pick("接着上传没有传完的文件，请勿关闭本页……", "Going on with the upload that was cut; please keep this page open …"));
        return this.draft.send(name, { entry, sealed }, progress);
      });
    }
  }

  // One file on its way, with its line in the list; then the form that names it is saved.
  async sending(item, act) {
    const id = Symbol(item.file.name);
    this.uploads.set(id, item);
    this.listFiles();
    try {
      await act((done, total, part = item.part) => {
        Object.assign(item, { part, percent: Math.floor((100 * done) / total) });
        this.listFiles();
      });
      this.uploads.delete(id);
      await this.save({ files: item.name });
    } catch (problem) {
      this.uploads.delete(id);
      this.fail(`${item.file.name}：${problem.message}`);
    }
    this.listFiles();
    this.collect();
  }

  fail(text) {
    const error = this.form.querySelector("[data-file-error]");
    error.textContent = text;
    error.hidden = false;
  }

  async carry() {
    this.say(pick("正在把上一版的文件加密到新的一版，请勿关闭本页……", "Encrypting the former version's files for the new one; please keep this page open …"));
    try {
      await this.draft.carryFiles(() => this.listFiles());
      this.say(pick("上一版的文件都在", "All files of the former version are here"));
    } catch (error) {
      this.say(error.message);
    }
    this.listFiles();
    this.collect();
  }

  listFiles() {
    const english = document.documentElement.lang === "en" ? 1 : 0;
    const { roles } = this.draft.rules;
    const rows = [];
    for (const [name, envelope] of Object.entries(this.draft.envelopes)) {
      for (const entry of envelope.files) rows.push(this.fileRow(name, entry, roles[entry.role]?.label[english] ?? ""));
      const sending = new Set([...this.uploads.values()].filter((item) => item.name === name).map(({ part }) => part));
      for (const { entry, sealed } of envelope.pending) {
        if (!sending.has(sealed.part)) rows.push(this.fileRow(name, entry, roles[entry.role]?.label[english] ?? "", pick("没有传完", "upload not finished"), "clock"));
      }
      for (const entry of envelope.carry) rows.push(this.line(entry.name, pick("等待加密到新的一版", "waiting to be encrypted anew"), "clock"));
    }
    for (const { file, percent } of this.uploads.values()) {
      const row = this.line(file.name, pick(`正在加密上传 ${percent}%`, `encrypting and uploading ${percent} %`), "clock");
      const bar = element("progress");
      bar.max = 100;
      bar.value = percent;
      bar.setAttribute("aria-label", file.name);
      row.append(bar);
      rows.push(row);
    }
    this.form.querySelector("[data-file-list]").replaceChildren(...rows);
    this.form.querySelector("[data-file-none]").hidden = rows.length > 0;
    for (const select of this.form.querySelectorAll("select[data-files]")) this.options(select);
  }

  line(name, note, symbol) {
    const row = element("li");
    const text = element("div");
    text.append(element("b", "", name), element("small", "", note));
    row.append(icon(symbol), text);
    return row;
  }

  fileRow(name, entry, label, word = pick("已加密上传", "encrypted and uploaded"), symbol = "check-circle") {
    const row = this.line(entry.name, `${label} · ${size(entry.size)} · ${word}`, symbol);
    const remove = element("button", "button button--quiet button--small", pick("删去", "Remove"));
    remove.type = "button";
    remove.append(element("span", "visually-hidden", ` ${entry.name}`));
    remove.addEventListener("click", async () => {
      try {
        await this.draft.dropFile(name, entry.part);
        await this.save({ files: name });
      } catch (error) {
        this.say(error.message);
      }
      this.listFiles();
      this.collect();
    });
    row.append(remove);
    return row;
  }

  // The evidence drop-downs of the response table and the track record: the files of the technical envelope.
  options(select) {
    const { files, carry } = this.draft.envelopes.technical;
    const wanted = select.value || select.dataset.wanted || "";
    const entries = [...files, ...carry].filter(({ role }) => this.draft.rules.roles[role]?.section === "technical");
    select.replaceChildren(new Option(pick("（不指定）", "(none)"), ""), ...entries.map(({ part, name }) => new Option(name, String(part))));
    select.value = [...select.options].some(({ value }) => value === wanted) ? wanted : "";
  }
}
