// Opening a custodian's key file in the page: used by the proof and the release. Gives the holder, or throws with a
// sentence. In demo mode the page may fetch the demo custodian's own file instead of having one chosen.
import { unlock } from "../sealing/keyfile.js";
import { pick } from "./language.js";

export async function holderFrom(root) {
  const file = root.querySelector("[data-part=file]").files[0];
  let bytes;
  if (file) bytes = new Uint8Array(await file.arrayBuffer());
  else if (root.dataset.demoKey) bytes = new Uint8Array(await (await fetch(root.dataset.demoKey)).arrayBuffer());
  else throw new Error(pick("请选择您的密钥文件（.jbskey）。", "Choose your key file (.jbskey)."));
  return unlock(bytes, root.querySelector("[data-part=passphrase]").value);
}

// What a person reads about an error of ours or of the protocol.
export const words = (error) => error.message;

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function send(url, token, body) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": token },
    body: JSON.stringify(body),
  });
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail ?? answer.message ?? pick("没有成功，请稍后再试。", "It failed; please try again."));
  return answer;
}
