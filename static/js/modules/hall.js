// The hall while something is going on: asks every two seconds; a new state draws the page again, progress moves the bar.
export default function hall(element) {
  const bar = document.querySelector("[data-opening-progress]");
  let state = null;
  setInterval(async () => {
    if (document.hidden) return;
    const answer = await fetch(element.dataset.url, { headers: { Accept: "application/json" } }).then((r) => r.json()).catch(() => null);
    if (!answer) return;
    if (state !== null && state !== answer.state) location.reload();
    state = answer.state;
    if (bar) bar.value = answer.percent;
  }, 2000);
}
