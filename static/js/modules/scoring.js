// The expert's sheet: digits and arrows score, everything is saved within a second, a copy stays on this machine until
// the server has acknowledged it. data-draft: the copy's name; data-next: address of the next bid. The server answers
// {message, serial, missing, total, indicators, bad}; 409 means another window saved first, and ends the saving here.
import { pick } from "./language.js";

const STARTS = [0, 0.6, 0.75, 0.9];
const DELAY = 600;
const TYPING = "textarea, input:not([type=radio]):not([type=hidden]), select";

export default function scoring(form) {
  const criteria = [...form.querySelectorAll(".criterion")].filter((item) => item.querySelector("input.input"));
  const proofs = [...document.querySelectorAll("fieldset.proof")];
  const stops = [...proofs, ...criteria];
  const draft = form.dataset.draft ? `sheet:${form.dataset.draft}` : "";
  const saver = draft ? saving(form, draft) : { changed() {}, flush: async () => true };
  let at = 0;

  function activate(place, focus = true) {
    if (!stops.length) return;
    at = Math.max(0, Math.min(place, stops.length - 1));
    for (const stop of stops) stop.toggleAttribute("data-active", stop === stops[at]);
    for (const item of criteria) item.dataset.state = item === stops[at] ? "active" : "";
    if (focus) {
      stops[at].scrollIntoView({ block: "nearest" });
      target(stops[at])?.focus({ preventScroll: true });
    }
  }

  function target(stop) {
    if (stop.matches(".proof")) return stop.querySelector("input:checked") ?? stop.querySelector("input");
    return stop.querySelector(".bands input:checked") ?? stop.querySelector(".bands input") ?? stop.querySelector("input.input");
  }

  function score(item, text) {
    item.querySelector("input.input").value = text;
    show(item);
    saver.changed();
  }

  function give(item, tenths) {
    const full = Number(item.dataset.full);
    score(item, String(Math.round(full * tenths * 10) / 100));
  }

  function nudge(item, step) {
    const box = item.querySelector("input.input");
    const full = Number(item.dataset.full);
    const now = Number(box.value || 0) + step;
    score(item, String(Math.round(Math.max(0, Math.min(full, now)) * 100) / 100));
  }

  form.addEventListener("change", (event) => {
    const item = event.target.closest(".criterion");
    if (item && event.target.name?.startsWith("band-")) {
      const band = Number(event.target.value);
      const box = item.querySelector("input.input");
      if (bandOf(box.value, item) !== band) {
        const end = STARTS[band + 1] ?? 1;
        score(item, String(Math.round(((STARTS[band] + end) / 2) * Number(item.dataset.full) * 2) / 2));
      }
    }
  });
  form.addEventListener("input", (event) => {
    const item = event.target.closest(".criterion");
    if (item) show(item);
    saver.changed();
  });
  for (const proof of proofs) proof.addEventListener("change", () => saver.changed());
  for (const [place, stop] of stops.entries()) stop.addEventListener("focusin", () => activate(place, false));

  async function leave(url) {
    if (await saver.flush()) location.href = url;
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const typing = event.target.matches(TYPING);
    if (typing && event.key === "Escape") return activate(at);
    if (typing && !(event.target.matches("input.input") && ["Enter", "ArrowUp", "ArrowDown"].includes(event.key))) return;
    const stop = stops[at];
    const item = stop?.matches(".criterion") ? stop : null;
    const others = [...document.querySelectorAll(".bid-switch a")];
    const here = others.findIndex((link) => link.hasAttribute("aria-current"));
    const acts = {
      ArrowDown: () => activate(at + 1),
      ArrowUp: () => activate(at - 1),
      ArrowLeft: () => others[here - 1] && leave(others[here - 1].href),
      ArrowRight: () => others[here + 1] && leave(others[here + 1].href),
      "+": () => item && nudge(item, 0.5),
      "-": () => item && nudge(item, -0.5),
      f: () => item && give(item, 10),
      c: () => comment(item),
      e: () => evidence(stop),
      y: () => tick(stop, "yes"),
      n: () => tick(stop, "no"),
      Enter: () => form.dataset.next && event.target.closest("#sheet-form, .proof") && !event.target.matches("button, a") && leave(form.dataset.next),
    };
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (/^[0-9]$/.test(key)) {
      if (!item) return;
      give(item, Number(key));
    } else if (acts[key]) {
      if (acts[key]() === false) return;
    } else return;
    event.preventDefault();
  });

  function comment(item) {
    item?.querySelector("textarea")?.focus();
  }

  function tick(stop, value) {
    if (!stop?.matches(".proof")) return;
    const radio = stop.querySelector(`input[value=${value}]`);
    radio.checked = true;
    saver.changed();
    activate(at + 1);
  }

  function evidence(stop) {
    const row = stop?.closest("tr");
    const link = (row ?? document).querySelector("a[data-evidence]");
    if (link) view(link.href);
  }

  for (const link of document.querySelectorAll("a[data-evidence], a[data-paper]")) {
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      view(link.href);
    });
  }
  for (const item of criteria) show(item);
  activate(0, false);
}

function bandOf(text, item) {
  const share = Number(text) / Number(item.dataset.full);
  if (text.trim() === "" || !Number.isFinite(share) || share < 0 || share > 1) return -1;
  return STARTS.findLastIndex((start) => share >= start - 1e-9);
}

// The chosen band, and whether it asks for a comment.
function show(item) {
  const band = bandOf(item.querySelector("input.input").value, item);
  for (const radio of item.querySelectorAll(".bands input")) radio.checked = Number(radio.value) === band;
  const note = item.querySelector("[data-needs]");
  const outside = band === 0 || band === 3;
  if (!note) return;
  note.hidden = !outside;
  if (outside) {
    const name = item.querySelector(`.bands input[value="${band}"]`)?.parentElement.querySelector("b")?.textContent ?? "";
    note.textContent = pick(`评在“${name}”一档，须写明理由`, `“${name}” needs a reason`);
  }
}

function contents(form) {
  const values = {};
  for (const [name, value] of new FormData(form)) if (/^(score|comment|proof)-/.test(name)) values[name] = value;
  return values;
}

function saving(form, name) {
  const status = document.querySelector("[data-saved]");
  const missing = document.querySelector("[data-missing]");
  const total = form.querySelector("[data-total]");
  const say = (text) => status && (status.textContent = text);
  let timer = 0;
  let running = null;
  let dirty = false;
  let stopped = false;

  restore();

  // What a lost server never acknowledged is still here: put it back and save it.
  function restore() {
    const kept = localStorage.getItem(name);
    if (!kept) return;
    const { serial, values } = JSON.parse(kept);
    if (String(serial) !== form.elements.serial.value) {
      localStorage.removeItem(name);
      return;
    }
    for (const [field, value] of Object.entries(values)) {
      const control = form.elements.namedItem(field);
      if (control) control.value = value;
    }
    for (const item of form.querySelectorAll(".criterion")) if (item.querySelector("input.input")) show(item);
    changed();
  }

  function keep() {
    try {
      localStorage.setItem(name, JSON.stringify({ serial: form.elements.serial.value, values: contents(form) }));
    } catch {
      // A full or forbidden store: saving on the server goes on.
    }
  }

  function changed() {
    if (stopped) return;
    dirty = true;
    keep();
    clearTimeout(timer);
    timer = setTimeout(save, DELAY);
  }

  function save() {
    clearTimeout(timer);
    running = (running ?? Promise.resolve()).then(once);
    return running;
  }

  async function once() {
    if (!dirty || stopped) return;
    dirty = false;
    try {
      const response = await fetch(location.href, { method: "POST", body: new FormData(form), headers: { Accept: "application/json" } });
      const answer = await response.json().catch(() => ({}));
      say(answer.message ?? pick("没有保存，稍后再试", "Not saved, trying again"));
      status?.toggleAttribute("data-alert", !response.ok);
      if (response.ok) {
        form.elements.serial.value = answer.serial;
        if (total) total.textContent = answer.total;
        const done = document.querySelector("[data-done]");
        if (done) done.textContent = answer.done;
        const computed = form.querySelector(".criterion[data-key=indicators] output");
        if (computed) computed.textContent = answer.indicators;
        if (missing) missing.textContent = answer.missing ? pick(`还差${answer.missing}项`, `${answer.missing} to go`) : pick("已填完", "Complete");
        if (!dirty && !answer.bad.length) localStorage.removeItem(name);
        else keep();
      } else if (response.status >= 500 || response.status === 429) retry();
      else if (response.status === 409 || response.status === 403) stopped = true;
    } catch {
      say(pick("连接中断，所填内容留在本机，恢复后自动保存", "No connection; kept on this machine, saved when it returns"));
      status?.toggleAttribute("data-alert", true);
      retry();
    }
  }

  function retry() {
    dirty = true;
    clearTimeout(timer);
    timer = setTimeout(save, 3000);
  }

  form.addEventListener("submit", () => clearTimeout(timer));
  return {
    changed,
    async flush() {
      await save();
      return !dirty && !stopped;
    },
  };
}

// A file's page beside the sheet, without leaving it. Without scripts the link opens the file's own page.
async function view(url) {
  const place = document.querySelector("[data-viewer]");
  place.hidden = false;
  place.setAttribute("aria-busy", "true");
  try {
    const page = new DOMParser().parseFromString(await (await fetch(url)).text(), "text/html");
    const main = page.querySelector("main");
    const title = page.querySelector("h1");
    const head = document.createElement("h2");
    head.textContent = title?.textContent ?? "";
    head.tabIndex = -1;
    for (const part of main.querySelectorAll("h1, .breadcrumb, .flashes, .page-head, [data-back]")) part.remove();
    const close = document.createElement("button");
    close.type = "button";
    close.className = "button button--quiet button--small";
    close.textContent = pick("收起", "Close");
    close.addEventListener("click", () => (place.hidden = true));
    place.replaceChildren(head, close, ...main.childNodes);
    for (const link of place.querySelectorAll("nav a")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        view(link.href);
      });
    }
    place.scrollIntoView({ block: "start" });
    head.focus({ preventScroll: true });
  } finally {
    place.removeAttribute("aria-busy");
  }
}
