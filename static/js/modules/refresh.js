// Renews a panel after each autosave: data-form names the form that says "autosaved", the answer of data-url is the
// panel's new content as HTML. Without the script the panel is renewed with each save.
import { attach } from "../main.js";

export default function refresh(panel) {
  const form = document.getElementById(panel.dataset.form);
  let turn = 0;

  form?.addEventListener("autosaved", async () => {
    const mine = ++turn;
    try {
      const response = await fetch(panel.dataset.url, { headers: { Accept: "text/html" } });
      if (!response.ok || mine !== turn) return; // an older answer never replaces a newer one
      panel.innerHTML = await response.text();
      attach(panel);
    } catch {
      // No connection: what was found last stays; autosave says so.
    }
  });
}
