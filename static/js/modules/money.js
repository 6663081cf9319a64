// Reads an amount as people type it, the same way as the server: full-width digits, separators, 万 and 元 in the text.

// Integer 分, or null when it is not an amount. `unit` is what a bare number means: 万元 or 元.
export function readFen(text, unit) {
  const plain = text.normalize("NFKC").replace(/[\s,，¥￥]/g, "");
  const found = /^(\d+)(?:\.(\d+))?(万元|万|元)?$/.exec(plain);
  if (!found) return null;
  const [, whole, fraction = "", said] = found;
  const digits = (said ?? unit).startsWith("万") ? 6 : 2;
  if (/[1-9]/.test(fraction.slice(digits))) return null; // finer than 分
  return BigInt(whole + fraction.slice(0, digits).padEnd(digits, "0"));
}
