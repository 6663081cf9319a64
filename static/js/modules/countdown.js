// Counts down to data-until. The words are those of platform/formatting.py, so nothing moves when the script takes over.
import { now } from "./clock.js";
import { pick } from "./language.js";

const two = (number) => String(number).padStart(2, "0");

export function left(milliseconds) {
  if (milliseconds <= 0) return pick("已截止", "closed");
  const seconds = Math.floor(milliseconds / 1000);
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (seconds < 3600) return pick(`剩${two(minutes)}分${two(seconds % 60)}秒`, `${two(minutes)} min ${two(seconds % 60)} s left`);
  if (days >= 2) return pick(`剩${days}天${hours ? `${hours}小时` : ""}`, `${days} days ${hours ? `${hours} h ` : ""}left`);
  return pick(`剩${Math.floor(seconds / 3600)}小时${minutes}分`, `${Math.floor(seconds / 3600)} h ${minutes} min left`);
}

const elements = new Set();

function tick() {
  for (const element of elements) {
    const text = left(Date.parse(element.dataset.until) - now());
    if (element.textContent !== text) element.textContent = text;
  }
}

export default function countdown(element) {
  if (!elements.size) setInterval(tick, 1000);
  elements.add(element);
}
