// One part as ciphertext: 40-byte header, then 1 MiB chunks of AES-256-GCM; the twin of container.py.

import { pick } from "../modules/language.js";
import { SealError } from "./reasons.js";
import { SUITE, concat, hkdf, partAad, partKeyInfo, randomBytes, utf8 } from "./wire.js";

export const CHUNK_SIZE = 1 << 20;
export const HEADER_SIZE = 40;
export const TAG_SIZE = 16;

const OPENING = concat(utf8("JBS1"), Uint8Array.of(SUITE, 0, 0, 0));

const chunkCount = (size) => Math.max(1, Math.ceil(size / CHUNK_SIZE));

export const ciphertextLength = (size) => HEADER_SIZE + size + chunkCount(size) * TAG_SIZE;

// The plaintext's size, or null where no plaintext has that ciphertext length.
export function plaintextLength(length) {
  const body = length - HEADER_SIZE;
  const chunks = Math.max(1, Math.ceil(body / (CHUNK_SIZE + TAG_SIZE)));
  const size = body - chunks * TAG_SIZE;
  return size >= 0 && (size > (chunks - 1) * CHUNK_SIZE || chunks === 1) ? size : null;
}

async function partKey(dek, salt, part) {
  const raw = await hkdf(dek, salt, partKeyInfo(part));
  return crypto.subtle.importKey("raw", raw, "AES-GCM", false, ["encrypt", "decrypt"]);
}

// Counter (11 bytes, big-endian; the first 7 stay zero) ‖ last flag.
function nonceOf(counter, last) {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(7, counter);
  nonce[11] = last ? 1 : 0;
  return nonce;
}

const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

// The pieces of a part as they travel: header and chunk 0, chunk 1, … `source` is a Blob or File and is read
// 1 MiB at a time. The salt is drawn here, so that no caller can use one twice.
export async function* encrypt(source, { dek, ref, envelope, part }) {
  const salt = randomBytes(32);
  const key = await partKey(dek, salt, part);
  const additionalData = partAad(ref, envelope, part);
  const count = chunkCount(source.size);
  for (let counter = 0; counter < count; counter += 1) {
    const chunk = await bytesOf(source.slice(counter * CHUNK_SIZE, (counter + 1) * CHUNK_SIZE));
    const iv = nonceOf(counter, counter === count - 1);
    const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, chunk));
    yield counter ? sealed : concat(OPENING, salt, sealed);
  }
}

// The plaintext chunk by chunk; only the end of the iteration proves the whole. `source` is a Blob.
export async function* decrypt(source, { dek, ref, envelope, part }) {
  const header = await bytesOf(source.slice(0, HEADER_SIZE));
  if (header.length !== HEADER_SIZE || OPENING.some((byte, i) => header[i] !== byte)) throw new SealError("J-02");
  if (plaintextLength(source.size) === null) throw new SealError("J-03", pick("长度", "length"));
  const key = await partKey(dek, header.slice(OPENING.length), part);
  const additionalData = partAad(ref, envelope, part);
  const step = CHUNK_SIZE + TAG_SIZE;
  const count = Math.max(1, Math.ceil((source.size - HEADER_SIZE) / step));
  for (let counter = 0; counter < count; counter += 1) {
    const start = HEADER_SIZE + counter * step;
    const iv = nonceOf(counter, counter === count - 1);
    const sealed = await bytesOf(source.slice(start, start + step));
    let chunk;
    try {
      chunk = await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, sealed);
    } catch {
      throw new SealError("J-03", pick(`第${counter + 1}块`, `chunk ${counter + 1}`));
    }
    yield new Uint8Array(chunk);
  }
}
