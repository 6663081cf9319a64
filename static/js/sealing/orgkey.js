// 单位标书钥匙 in the browser; the twin of orgkey.py. The key itself lives as a non-extractable CryptoKey.

import { SealError } from "./reasons.js";
import { concat, ownWrapAad, randomBytes, sha256, utf8 } from "./wire.js";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LENGTH = 25;
const NONCE_SIZE = 12;
const FIELD = 0b100101; // x⁵+x²+1

function checkDigit(digits) {
  return digits.reduce((total, digit) => {
    const shifted = (total ^ digit) << 1;
    return shifted & 0b100000 ? shifted ^ FIELD : shifted;
  }, 0);
}

// 25 digits of 5 bits as 16 bytes, big-endian.
function pack(digits) {
  let number = 0n;
  for (const digit of digits) number = (number << 5n) | BigInt(digit);
  return Uint8Array.from({ length: 16 }, (_, i) => Number((number >> BigInt(8 * (15 - i))) & 255n));
}

function groups(text) {
  return [text.slice(0, 5), text.slice(5, 10), text.slice(10, 15), text.slice(15, 20), text.slice(20)].join("-");
}

// A new code, to be shown once and printed.
export function newCode() {
  const digits = Array.from(randomBytes(LENGTH), (byte) => byte & 31);
  return groups([...digits, checkDigit(digits)].map((digit) => ALPHABET[digit]).join(""));
}

// What a person typed, as it is printed; C-01 for anything that is no code.
export function readCode(typed) {
  const text = typed.normalize("NFKC").replace(/[\s\-—–]+/g, "").toUpperCase()
    .replace(/[IL]/g, "1").replace(/O/g, "0");
  const digits = Array.from(text, (character) => ALPHABET.indexOf(character));
  const data = digits.slice(0, LENGTH);
  if (digits.length !== LENGTH + 1 || Math.min(...digits) < 0 || checkDigit(data) !== digits[LENGTH]) {
    throw new SealError("C-01");
  }
  return groups(text);
}

// The non-extractable key of a code: keep this, forget the code.
export function importCode(code) {
  const digits = Array.from(readCode(code).replaceAll("-", ""), (character) => ALPHABET.indexOf(character));
  return crypto.subtle.importKey("raw", pack(digits.slice(0, LENGTH)), "HKDF", false, ["deriveBits", "deriveKey"]);
}

const derivation = (info) => ({ name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: utf8(info) });

// What the server keeps to tell a member that he entered another key: a hash of the key-check value.
export async function checkHash(key) {
  return sha256(new Uint8Array(await crypto.subtle.deriveBits(derivation("jbs1|org|check"), key, 256)));
}

function wrappingKey(key) {
  const usages = ["encrypt", "decrypt"];
  return crypto.subtle.deriveKey(derivation("jbs1|org|wrap"), key, { name: "AES-GCM", length: 256 }, false, usages);
}

// The bidder's own copy of an envelope key.
export async function wrap(key, dek, ref, envelope) {
  const iv = randomBytes(NONCE_SIZE);
  const algorithm = { name: "AES-GCM", iv, additionalData: ownWrapAad(ref, envelope) };
  return concat(iv, new Uint8Array(await crypto.subtle.encrypt(algorithm, await wrappingKey(key), dek)));
}

export async function unwrap(key, wrapped, ref, envelope) {
  const algorithm = { name: "AES-GCM", iv: wrapped.slice(0, NONCE_SIZE), additionalData: ownWrapAad(ref, envelope) };
  try {
    const dek = await crypto.subtle.decrypt(algorithm, await wrappingKey(key), wrapped.slice(NONCE_SIZE));
    return new Uint8Array(dek);
  } catch {
    throw new SealError("C-02");
  }
}
