// Why something is refused, in the browser. Codes are those of marketplace/platform/sealing/reasons.py.

const SENTENCES = {
  "M-01": "标书清单格式不符，请刷新页面后重新封标",
  "M-03": "标书清单所用的保管人集合与公告不符，请刷新页面后重新封标",
  "M-05": "文件过大或过多：单个不超过50 MiB，合计不超过200 MiB，每个封套不超过40件",
  "S-02": "存储中的密文长度与清单不符",
  "S-03": "存储中的密文与清单指纹不符",
  "S-04": "存储中的标书清单与回执指纹不符",
  "J-01": "密钥与清单中的承诺值不符",
  "J-02": "密文头部不合规",
  "J-03": "密文无法用承诺的密钥解开，或被截断、重排",
  "J-04": "解密后与承诺值不符",
  "J-05": "表单封装不合规，无法核对各件的承诺值",
  "J-06": "表单所列文件与清单不符",
  "C-01": "钥匙码有误，请对照打印件逐段核对",
  "C-02": "这把单位标书钥匙打不开这份内容",
  "C-03": "不是有效的保管人密钥文件",
  "C-04": "口令不对，或密钥文件已损坏",
  "C-05": "这把密钥打不开交给它的分片",
  "C-06": "不是有效的P-256公钥",
  "B-01": "这个浏览器或连接不能加密。请用 https 地址和较新的浏览器打开",
};

export class SealError extends Error {
  constructor(code, detail = "") {
    super(`${code} ${SENTENCES[code]}${detail ? `（${detail}）` : ""}`);
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
