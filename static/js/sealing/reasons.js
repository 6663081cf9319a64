// Why something is refused, in the browser. Codes are those of marketplace/platform/sealing/reasons.py.
import { pick } from "../modules/language.js";

const SENTENCES = {
  "M-01": ["标书清单格式不符，请刷新页面后重新封标", "The bid's manifest has the wrong form. Please reload the page and seal again"],
  "M-03": ["标书清单所用的保管人集合与公告不符，请刷新页面后重新封标", "The manifest names other custodians than the notice does. Please reload the page and seal again"],
  "M-05": ["文件过大或过多：单个不超过50 MiB，合计不超过200 MiB，每个封套不超过40件", "Files too large or too many: at most 50 MiB each, 200 MiB in all, 40 parts an envelope"],
  "S-02": ["存储中的密文长度与清单不符", "Stored ciphertext has another length than the manifest says"],
  "S-03": ["存储中的密文与清单指纹不符", "Stored ciphertext does not match its fingerprint in the manifest"],
  "S-04": ["存储中的标书清单与回执指纹不符", "The stored manifest does not match the fingerprint in the receipt"],
  "J-01": ["密钥与清单中的承诺值不符", "The key is not the one that the manifest commits to"],
  "J-02": ["密文头部不合规", "The head of the ciphertext is malformed"],
  "J-03": ["密文无法用承诺的密钥解开，或被截断、重排", "The ciphertext does not open with the committed key, or it was cut or reordered"],
  "J-04": ["解密后与承诺值不符", "What was decrypted does not match its commitment"],
  "J-05": ["表单封装不合规，无法核对各件的承诺值", "The form is malformed, so its parts cannot be compared with their commitments"],
  "J-06": ["表单所列文件与清单不符", "The files in the form differ from those in the manifest"],
  "C-01": ["钥匙码有误，请对照打印件逐段核对", "The key code is wrong. Please compare it with the printout, group by group"],
  "C-02": ["这把单位标书钥匙打不开这份内容", "This organisation key does not open this content"],
  "C-03": ["不是有效的保管人密钥文件", "Not a valid custodian key file"],
  "C-04": ["口令不对，或密钥文件已损坏", "Wrong passphrase, or the key file is damaged"],
  "C-05": ["这把密钥打不开交给它的分片", "This key does not open the share made for it"],
  "C-06": ["不是有效的P-256公钥", "Not a valid P-256 public key"],
  "B-01": ["这个浏览器或连接不能加密。请用 https 地址和较新的浏览器打开", "This browser or connection cannot encrypt. Please use an https address and a recent browser"],
};

export class SealError extends Error {
  constructor(code, detail = "") {
    super(`${code} ${pick(...SENTENCES[code])}${detail ? pick(`（${detail}）`, ` (${detail})`) : ""}`);
    this.name = "SealError";
    this.code = code;
    this.detail = detail;
  }
}

// Without a secure context there is no crypto.subtle; say so before anything is typed.
export function canSeal() {
  return Boolean(globalThis.isSecureContext && globalThis.crypto?.subtle);
}

export function requireCrypto() {
  if (!canSeal()) throw new SealError("B-01");
}
