// Renews the check beside a demand form: the form goes to data-url, the answer is the panel's new content as HTML.
import { attach } from "../main.js";

export default function lint(panel) {
  const form = document.getElementById(panel.dataset.form);
  let timer = 0;
  let turn = 0;

  async function check() {
    const mine = ++turn;
    const data = new FormData(form);
    for (const field of form.querySelectorAll("input[type=file]")) data.delete(field.name);
    try {
      const response = await fetch(panel.dataset.url, { method: "POST", body: data, headers: { Accept: "text/html" } });
      if (!response.ok || mine !== turn) return; // an older answer never replaces a newer one
      panel.innerHTML = await response.text();
      attach(panel);
      const score = panel.querySelector(".lint__score b")?.textContent;
      for (const element of document.querySelectorAll("[data-lint-score]")) element.textContent = score;
    } catch {
      // No connection: the last check stays; autosave says so.
    }
  }

  form?.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(check, 900);
  });
}
