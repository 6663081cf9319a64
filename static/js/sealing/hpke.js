// HPKE base mode (RFC 9180) on WebCrypto: DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, one message per key.

import { SealError } from "./reasons.js";
import { concat, utf8 } from "./wire.js";

const CURVE = { name: "ECDH", namedCurve: "P-256" };
const POINT_SIZE = 65;
const VERSION = utf8("HPKE-v1");
const KEM_SUITE = concat(utf8("KEM"), Uint8Array.of(0x00, 0x10));
const HPKE_SUITE = concat(utf8("HPKE"), Uint8Array.of(0x00, 0x10, 0x00, 0x01, 0x00, 0x02));
const EMPTY = new Uint8Array(0);

// HKDF-Extract is one HMAC. WebCrypto refuses an empty HMAC key; 32 zero bytes are the same key (RFC 5869 §2.2).
async function hmac(key, data) {
  const imported = await crypto.subtle.importKey(
    "raw", key.length ? key : new Uint8Array(32), { name: "HMAC", hash: "SHA-256" }, false, ["sign"],
  );
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, data));
}

const labeledExtract = (suite, salt, label, ikm) => hmac(salt, concat(VERSION, suite, utf8(label), ikm));

// HKDF-Expand for at most 32 bytes is one HMAC over info and the counter 1.
async function labeledExpand(suite, prk, label, info, length) {
  const labeled = concat(Uint8Array.of(length >> 8, length & 255), VERSION, suite, utf8(label), info);
  return (await hmac(prk, concat(labeled, Uint8Array.of(1)))).slice(0, length);
}

export async function importPublicKey(point) {
  try {
    if (point.length !== POINT_SIZE || point[0] !== 4) throw new TypeError("not an uncompressed point");
    return await crypto.subtle.importKey("raw", point, CURVE, true, []);
  } catch {
    throw new SealError("C-06");
  }
}

export const exportPublicKey = async (key) => new Uint8Array(await crypto.subtle.exportKey("raw", key));

export const generateKeyPair = (extractable) => crypto.subtle.generateKey(CURVE, extractable, ["deriveBits"]);

async function sharedSecret(privateKey, publicKey, enc, recipient) {
  const dh = await crypto.subtle.deriveBits({ name: "ECDH", public: publicKey }, privateKey, 256);
  const prk = await labeledExtract(KEM_SUITE, EMPTY, "eae_prk", new Uint8Array(dh));
  return labeledExpand(KEM_SUITE, prk, "shared_secret", concat(enc, recipient), 32);
}

async function keySchedule(secretOfKem, info) {
  const pskIdHash = await labeledExtract(HPKE_SUITE, EMPTY, "psk_id_hash", EMPTY);
  const infoHash = await labeledExtract(HPKE_SUITE, EMPTY, "info_hash", info);
  const context = concat(Uint8Array.of(0), pskIdHash, infoHash);
  const secret = await labeledExtract(HPKE_SUITE, secretOfKem, "secret", EMPTY);
  const raw = await labeledExpand(HPKE_SUITE, secret, "key", context, 32);
  return {
    key: await crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]),
    nonce: await labeledExpand(HPKE_SUITE, secret, "base_nonce", context, 12),
  };
}

// Ephemeral point ‖ ciphertext. `ephemeral` and `aad` are given by the RFC's test vectors alone.
export async function sealTo(point, plaintext, info, { ephemeral, aad = EMPTY } = {}) {
  const recipient = await importPublicKey(point);
  const pair = ephemeral ?? (await generateKeyPair(false));
  const enc = await exportPublicKey(pair.publicKey);
  const { key, nonce } = await keySchedule(await sharedSecret(pair.privateKey, recipient, enc, point), info);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce, additionalData: aad }, key, plaintext);
  return concat(enc, new Uint8Array(sealed));
}

// The inverse, for `{privateKey, point}`; C-05 for another key, another info or changed bytes.
export async function openWith({ privateKey, point }, sealed, info, { aad = EMPTY } = {}) {
  try {
    const enc = sealed.slice(0, POINT_SIZE);
    const sender = await importPublicKey(enc);
    const { key, nonce } = await keySchedule(await sharedSecret(privateKey, sender, enc, point), info);
    const algorithm = { name: "AES-GCM", iv: nonce, additionalData: aad };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, sealed.slice(POINT_SIZE)));
  } catch {
    throw new SealError("C-05");
  }
}
