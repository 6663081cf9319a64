// The hall from its deadline on: asks every two seconds; a state other than the page's own draws it again, progress
// moves the bar.
import { now } from "./clock.js";

export default function hall(element) {
  const bar = document.querySelector("[data-opening-progress]");
  const from = Date.parse(element.dataset.from);
  setInterval(async () => {
    if (document.hidden || now() < from) return;
    const answer = await fetch(element.dataset.url, { headers: { Accept: "application/json" } }).then((r) => r.json()).catch(() => null);
    if (!answer) return;
    if (answer.state !== element.dataset.state) location.reload();
    else if (bar) bar.value = answer.percent;
  }, 2000);
}
