// Says an amount in capital form (大写) below its field while it is typed; the rule is formatting.capital's.
import { readFen } from "./money.js";

const DIGITS = "零壹贰叁肆伍陆柒捌玖";
const PLACES = ["", "拾", "佰", "仟"];
const GROUPS = ["", "万", "亿"];

function integer(yuan) {
  const digits = String(yuan);
  let text = "";
  let gap = false;
  for (let index = 0; index < digits.length; index += 1) {
    const place = digits.length - 1 - index;
    const digit = Number(digits[index]);
    if (digit) text += (gap && text ? "零" : "") + DIGITS[digit] + PLACES[place % 4];
    gap = !digit;
    const group = place / 4;
    if (place % 4 === 0 && /[1-9]/.test(digits.slice(Math.max(0, index - 3), index + 1))) text += GROUPS[group];
  }
  return text;
}

// fen: BigInt below 10^14. 12850000000n → 壹亿贰仟捌佰伍拾万元整
export function capital(fen) {
  const yuan = fen / 100n;
  const jiao = Number((fen / 10n) % 10n);
  const cents = Number(fen % 10n);
  let text = yuan ? `${integer(yuan)}元` : "";
  if (!jiao && !cents) return `${text || "零元"}整`;
  if (jiao) text += `${DIGITS[jiao]}角`;
  else if (text) text += "零";
  return text + (cents ? `${DIGITS[cents]}分` : "整");
}

export default function capitalForm(element) {
  const field = document.getElementById(element.dataset.for);
  const output = element.querySelector("output");
  const say = () => {
    const fen = readFen(field.value, element.dataset.unit);
    output.textContent = fen === null || fen >= 10n ** 14n ? "—" : capital(fen);
  };
  field.addEventListener("input", say);
  say();
}
