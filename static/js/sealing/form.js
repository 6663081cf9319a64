// Part 0 of an envelope: the padded form.json with the salts of all commitments; the twin of form.py.

import { pick } from "../modules/language.js";
import { SealError } from "./reasons.js";
import { concat, randomBytes, utf8 } from "./wire.js";

const FORM_STEP = 16 * 1024;
const FORM_LIMIT = 1 << 20;
const SALT_SIZE = 32;
const PREFIX = SALT_SIZE + 4;

// files: [{part, name, type, size, salt, role}]
export function frame({ envelope, fields, files }) {
  const text = utf8(JSON.stringify({ format: "jbs1-form", envelope, fields, files }));
  const length = Math.ceil((PREFIX + text.length) / FORM_STEP) * FORM_STEP;
  if (length > FORM_LIMIT) throw new SealError("M-05", pick("表单内容超过1 MiB", "the form is over 1 MiB"));
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, text.length);
  return concat(randomBytes(SALT_SIZE), size, text, new Uint8Array(length - PREFIX - text.length));
}

export function unframe(plaintext, envelope) {
  const size = new DataView(plaintext.buffer, plaintext.byteOffset).getUint32(SALT_SIZE);
  const end = PREFIX + size;
  if (plaintext.length % FORM_STEP || end > plaintext.length || plaintext.subarray(end).some(Boolean)) {
    throw new SealError("J-05", pick("封装", "frame"));
  }
  let form;
  try {
    form = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(plaintext.subarray(PREFIX, end)));
  } catch {
    throw new SealError("J-05", "JSON");
  }
  if (form?.format !== "jbs1-form" || form.envelope !== envelope || !Array.isArray(form.files)) {
    throw new SealError("J-05", pick("格式", "shape"));
  }
  return form;
}
