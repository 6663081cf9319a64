// Fills a panel with the HTML that data-url answers: after each autosave of the form that data-form names, or at once
// where no form is named. Without the script the panel is renewed with each page.
import { attach } from "../main.js";

export default function refresh(panel) {
  let turn = 0;

  async function renew() {
    const mine = ++turn;
    try {
      const response = await fetch(panel.dataset.url, { headers: { Accept: "text/html" } });
      if (!response.ok || mine !== turn) return; // an older answer never replaces a newer one
      panel.innerHTML = await response.text();
      attach(panel);
    } catch {
      // No connection: what was found last stays; autosave says so.
    }
  }

  if (panel.dataset.form) document.getElementById(panel.dataset.form)?.addEventListener("autosaved", renew);
  else renew();
}
