// Canonical bytes and binding strings; the twin of wire.py, byte for byte.

import { pick } from "../modules/language.js";
import { SealError } from "./reasons.js";

export const SUITE = 1;
export const ENVELOPES = ["technical", "price"];
export const KEY_SIZE = 32;

const encoder = new TextEncoder();

export const utf8 = (text) => encoder.encode(text);

export function concat(...pieces) {
  const joined = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    joined.set(piece, offset);
    offset += piece.length;
  }
  return joined;
}

export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function fromHex(text) {
  if (typeof text !== "string" || !/^(?:[0-9a-f]{2})*$/.test(text)) throw new SealError("M-01", pick("指纹", "fingerprint"));
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export const randomBytes = (size) => crypto.getRandomValues(new Uint8Array(size));

export async function sha256(...pieces) {
  const data = pieces.length === 1 ? pieces[0] : concat(...pieces);
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", data)));
}

// Keys sorted, no white space, integers and strings only: what Python's canonical() writes.
export function canonical(value) {
  return utf8(spell(value));
}

function spell(value) {
  if (value === null || typeof value === "boolean") return JSON.stringify(value);
  if (typeof value === "string") {
    if (!value.isWellFormed?.() && /[\ud800-\udfff]/.test(value.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ""))) {
      throw new TypeError("a lone surrogate has no canonical form");
    }
    return JSON.stringify(value);
  }
  if (Number.isSafeInteger(value)) return String(value);
  if (Array.isArray(value)) return `[${value.map(spell).join(",")}]`;
  if (typeof value === "object") {
    const keys = Object.keys(value).sort();
    return `{${keys.map((key) => `${JSON.stringify(key)}:${spell(value[key])}`).join(",")}}`;
  }
  throw new TypeError(`${typeof value} has no canonical form`);
}

// Which bid: demand number, random public id, version from 1.
export function bidRef(demand, bid, version) {
  const token = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
  if (!token.test(demand) || !token.test(bid) || !Number.isInteger(version) || version < 1 || version > 9999) {
    throw new SealError("M-01", pick("标书编号", "bid number"));
  }
  return Object.freeze({ demand, bid, version });
}

const place = (ref) => `${ref.demand}|${ref.bid}|${ref.version}`;

export const partKeyInfo = (part) => utf8(`jbs1|part|${part}`);
export const partAad = (ref, envelope, part) => utf8(`jbs1|${place(ref)}|${envelope}|${part}`);
export const shareInfo = (setHash, ref, envelope, index) => utf8(`jbs1|${setHash}|${place(ref)}|${envelope}|${index}`);
export const ownWrapAad = (ref, envelope) => utf8(`jbs1|own|${place(ref)}|${envelope}`);
export const dekCommitment = (ref, envelope, dek) => sha256(utf8(`jbs1|dek|${place(ref)}|${envelope}|`), dek);
export const shareCommitment = (ref, envelope, share) => sha256(utf8(`jbs1|share|${place(ref)}|${envelope}|`), share);

// HKDF-SHA256 of raw secret bytes to 32 bytes.
export async function hkdf(secret, salt, info) {
  const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, base, 256);
  return new Uint8Array(bits);
}
