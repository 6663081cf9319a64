// “证明我仍持有密钥”: fetches a challenge, opens it with the key file, sends the answer with the form.
import { answerChallenge } from "../sealing/custodians.js";
import { holderFrom, words } from "./custodian-holder.js";
import { pick } from "./language.js";

export default function custodianProof(form) {
  const say = (text) => (form.querySelector("[data-part=status]").textContent = text);
  form.addEventListener("submit", async (event) => {
    if (form.elements.answer.value) return;
    event.preventDefault();
    try {
      say(pick("正在打开密钥文件…", "Opening the key file…"));
      const holder = await holderFrom(form);
      const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
      const response = await fetch(form.dataset.challenge, { method: "POST", body });
      if (!response.ok) throw new Error(pick("没有取到验证题，请刷新页面后重试。", "No challenge; please reload."));
      const asked = await response.json();
      if (asked.fingerprint !== holder.fingerprint) {
        throw new Error(pick("这不是您登记的那一把密钥。请选择最近登记的密钥文件。", "This is not the key you enrolled."));
      }
      form.elements.answer.value = await answerChallenge(holder, { custodianId: asked.custodian, nonce: asked.nonce, sealed: asked.sealed });
      form.elements.nonce.value = asked.nonce;
      form.requestSubmit();
    } catch (error) {
      say(words(error));
    }
  });
}
