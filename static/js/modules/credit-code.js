// Checks a 统一社会信用代码 (GB 32100-2015) while it is typed and says which character is wrong and why.
import { pick } from "./language.js";

const ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";

// null when the code is right, else a sentence.
export function fault(typed) {
  const code = typed.normalize("NFKC").replace(/[\s-]/g, "").toUpperCase();
  for (let index = 0; index < code.length; index += 1) {
    const character = code[index];
    if (ALPHABET.includes(character)) continue;
    const meant = { I: "1", O: "0", S: "5", V: "U", Z: "2" }[character];
    if (meant) {
      return pick(
        `第${index + 1}位是字母${character}，代码里没有这个字母，可能是${meant}`,
        `Character ${index + 1} is the letter ${character}, which the code never uses; perhaps ${meant}`,
      );
    }
    return pick(`第${index + 1}位“${character}”不是代码用的字符`, `Character ${index + 1}, “${character}”, is not used in the code`);
  }
  if (code.length !== 18) return pick(`应为18位，现在是${code.length}位`, `18 characters are needed, now ${code.length}`);
  let sum = 0;
  let weight = 1;
  for (const character of code.slice(0, 17)) {
    sum += ALPHABET.indexOf(character) * weight;
    weight = (weight * 3) % 31;
  }
  const check = ALPHABET[(31 - (sum % 31)) % 31];
  return check === code[17] ? null : pick("校验位不符，请逐位核对", "The check character does not match; please compare each character");
}

export default function creditCode(element) {
  const field = document.getElementById(element.dataset.for);
  const hint = element.textContent;
  element.setAttribute("aria-live", "polite");
  const check = () => {
    const length = field.value.normalize("NFKC").replace(/[\s-]/g, "").length;
    const sentence = fault(field.value);
    const early = length < 18 && document.activeElement === field; // still typing: only a wrong character is worth a word
    const wrong = sentence && !(early && /18/.test(sentence));
    element.textContent = !length || (sentence && !wrong) ? hint : (sentence ?? pick("代码校验通过", "The code checks out"));
    element.toggleAttribute("data-wrong", Boolean(length && wrong));
    element.toggleAttribute("data-right", Boolean(length && !sentence));
  };
  field.addEventListener("input", check);
  field.addEventListener("blur", check);
}
