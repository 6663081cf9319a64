// Saves a form while one types: two seconds after the last keystroke the whole form goes to data-url. The answer is JSON:
// {"message": "14:31已自动保存", "fields": {"version": "7"}}; fields are hidden inputs to renew. A refusal (409, 403 …)
// carries "message" too and ends the saving, so that nothing is overwritten; a lost connection is tried again.
// After each save the form says "autosaved" (see refresh.js).
import { pick } from "./language.js";

export default function autosave(form) {
  const status = document.querySelector("[data-autosave-status]");
  const say = (text) => status && (status.textContent = text);
  let timer = 0;
  let saving = null;
  let again = false;
  let stopped = false;

  async function send() {
    const data = new FormData(form);
    for (const field of form.querySelectorAll("input[type=file]")) data.delete(field.name); // files go with 暂存
    try {
      const response = await fetch(form.dataset.url, { method: "POST", body: data, headers: { Accept: "application/json" } });
      const answer = await response.json().catch(() => ({}));
      say(answer.message ?? answer.detail ?? pick("没有保存，请点“暂存”", "Not saved; please press Save"));
      for (const [name, value] of Object.entries(answer.fields ?? {})) {
        const field = form.elements.namedItem(name);
        if (field) field.value = value;
      }
      if (response.ok) form.dispatchEvent(new CustomEvent("autosaved"));
      if (!response.ok) stopped = stopped || (response.status !== 503 && response.status !== 429);
    } catch {
      say(pick("网络中断，恢复后会再保存", "No connection; saving will be tried again"));
      schedule(15000);
    }
  }

  async function save() {
    if (stopped) return;
    if (saving) {
      again = true;
      return;
    }
    saving = send();
    await saving;
    saving = null;
    if (again) {
      again = false;
      schedule();
    }
  }

  function schedule(delay = 2000) {
    clearTimeout(timer);
    timer = setTimeout(save, delay);
  }

  form.addEventListener("input", () => schedule());
  // A save under way is waited for: it renews the version that the form must name, or it would conflict with itself.
  form.addEventListener("submit", (event) => {
    stopped = true;
    clearTimeout(timer);
    if (!saving) return;
    event.preventDefault();
    saving.then(() => form.requestSubmit(event.submitter));
  });
}
