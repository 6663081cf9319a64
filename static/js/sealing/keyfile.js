// A custodian's private key as a file under a passphrase; the twin of keyfile.py.

import { exportPublicKey, generateKeyPair, importPublicKey } from "./hpke.js";
import { SealError } from "./reasons.js";
import { canonical, fromHex, randomBytes, sha256, toHex, utf8 } from "./wire.js";

const ROUNDS = 600_000;
const ROUNDS_LIMIT = 10_000_000;

async function passphraseKey(passphrase, salt, iterations) {
  const base = await crypto.subtle.importKey("raw", utf8(passphrase.normalize("NFKC")), "PBKDF2", false, ["deriveKey"]);
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(algorithm, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

const aadOf = (custodian, key, rounds) => utf8(`jbs1|keyfile|${custodian}|${key}|${rounds}`);

// Makes a key pair; gives the file's bytes and the public key (hex) with its fingerprint. The private key leaves
// this function only inside the file.
export async function enrol(custodian, passphrase) {
  const pair = await generateKeyPair(true);
  const point = await exportPublicKey(pair.publicKey);
  const [key, fingerprint] = [toHex(point), await sha256(point)];
  const [salt, nonce] = [randomBytes(32), randomBytes(12)];
  const algorithm = { name: "AES-GCM", iv: nonce, additionalData: aadOf(custodian, key, ROUNDS) };
  const wrapping = await passphraseKey(passphrase, salt, ROUNDS);
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(algorithm, wrapping, pkcs8));
  const file = canonical({
    format: "jbs1-custodian-key",
    custodian,
    key,
    fingerprint,
    rounds: ROUNDS,
    salt: toHex(salt),
    nonce: toHex(nonce),
    sealed: toHex(sealed),
  });
  return { file, key, fingerprint };
}

// The holder {custodian, fingerprint, point, privateKey} of a file; the private key cannot be exported again.
export async function unlock(data, passphrase) {
  let file;
  try {
    file = JSON.parse(new TextDecoder().decode(data));
    if (file.format !== "jbs1-custodian-key" || !(file.rounds > 0 && file.rounds <= ROUNDS_LIMIT)) throw new Error();
    for (const name of ["key", "salt", "nonce", "sealed"]) fromHex(file[name]);
  } catch {
    throw new SealError("C-03");
  }
  const point = fromHex(file.key);
  await importPublicKey(point);
  if (file.fingerprint !== (await sha256(point))) throw new SealError("C-03");
  const additionalData = aadOf(file.custodian, file.key, file.rounds);
  const algorithm = { name: "AES-GCM", iv: fromHex(file.nonce), additionalData };
  try {
    const wrapping = await passphraseKey(passphrase, fromHex(file.salt), file.rounds);
    const pkcs8 = await crypto.subtle.decrypt(algorithm, wrapping, fromHex(file.sealed));
    const curve = { name: "ECDH", namedCurve: "P-256" };
    const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, curve, false, ["deriveBits"]);
    return { custodian: file.custodian, fingerprint: file.fingerprint, point, privateKey };
  } catch {
    throw new SealError("C-04");
  }
}
