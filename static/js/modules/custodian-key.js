// Enrolling: makes a custodian's key pair in this page, hands him the encrypted file, shows the sheet to print, and lets
// the form send the public half. data-custodian, data-least; the private key never leaves except inside the file.
import { canSeal } from "../sealing/reasons.js";
import { pick } from "./language.js";

const groups = (text, size) => text.match(new RegExp(`.{1,${size}}`, "g")).join(" ");

function save(bytes, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export default function custodianKey(root) {
  const part = (name) => root.querySelector(`[data-part=${name}]`);
  const say = (text) => (part("status").textContent = text);
  if (!canSeal()) {
    say(pick("当前不是安全连接（https），浏览器不提供加密功能，不能生成密钥。", "No secure connection (https): this browser offers no cryptography here."));
    return;
  }
  part("maker").hidden = false;
  const [first, second] = [part("passphrase"), part("again")];
  let made = null;

  async function make() {
    if (first.value.length < Number(root.dataset.least)) {
      say(pick(`口令至少${root.dataset.least}个字符。`, `At least ${root.dataset.least} characters.`));
      first.focus();
      return;
    }
    if (first.value !== second.value) {
      say(pick("两次输入的口令不一致。", "The two passphrases differ."));
      second.focus();
      return;
    }
    say(pick("正在生成，请稍候…", "Making the key…"));
    const { enrol } = await import("../sealing/keyfile.js");
    made = await enrol(root.dataset.custodian, first.value);
    first.value = second.value = "";
    download();
    const text = new TextDecoder().decode(made.file);
    part("fingerprint").textContent = groups(made.fingerprint, 8);
    part("file-text").textContent = text;
    root.querySelector("input[name=point]").value = made.key;
    part("maker").hidden = true;
    part("made").hidden = false;
    say(pick("密钥已生成，密钥文件已下载。请打印本页并妥善保存，再登记公钥。", "Made and downloaded. Print this page, keep both safe, then register the public key."));
    part("made").querySelector("h2").focus();
  }

  function download() {
    save(made.file, `${root.dataset.custodian}-${made.fingerprint.slice(0, 8)}.jbskey`);
  }

  part("make").addEventListener("click", () => make().catch((error) => say(error.message)));
  part("download").addEventListener("click", download);
  part("print").addEventListener("click", () => print());
  const [kept, send] = [part("kept"), part("send")];
  kept.addEventListener("change", () => (send.disabled = !kept.checked));
}
