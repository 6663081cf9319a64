// Content → ciphertext, manifest, wrapped shares; the twin of seal.py.

import { pick } from "../modules/language.js";
import { encrypt } from "./container.js";
import { setHash } from "./custodians.js";
import { frame } from "./form.js";
import { sealTo } from "./hpke.js";
import * as orgkey from "./orgkey.js";
import { SealError, requireCrypto } from "./reasons.js";
import { split } from "./shamir.js";
import {
  ENVELOPES, KEY_SIZE, SUITE, bidRef, canonical, dekCommitment, fromHex, randomBytes, sha256,
  shareCommitment, shareInfo, toHex,
} from "./wire.js";

export const FILE_LIMIT = 50 * 1024 * 1024;
export const TOTAL_LIMIT = 200 * 1024 * 1024;
export const FILES_LIMIT = 40;
const NAME_LIMIT = 255;

// SHA-256 of one or more blobs joined; WebCrypto hashes in one go, so this holds one file (≤ 50 MiB) in memory.
async function hashOf(...blobs) {
  return sha256(new Uint8Array(await new Blob(blobs).arrayBuffer()));
}

// Encrypts one part and hands each piece to `put(envelope, part, index, bytes)` (which may upload it and retry).
// Gives the manifest's entry. `salt` is the commitment's, not the ciphertext's.
export async function sealPart(source, { dek, ref, envelope, part, salt, put }) {
  const ptCommit = await hashOf(salt, source);
  const pieces = [];
  let index = 0;
  for await (const piece of encrypt(source, { dek, ref, envelope, part })) {
    await put(envelope, part, index, piece);
    pieces.push(new Blob([piece]));
    index += 1;
  }
  const ciphertext = new Blob(pieces);
  return { part, length: ciphertext.size, sha256: await hashOf(ciphertext), pt_commit: ptCommit };
}

// One file with a fresh commitment salt: {part, entry}, of which `entry` goes into the form's list.
export async function sealFile(file, { dek, ref, envelope, part, role = "", put }) {
  if (file.size > FILE_LIMIT) throw new SealError("M-05", file.name);
  const salt = randomBytes(32);
  const sealed = await sealPart(file, { dek, ref, envelope, part, salt, put });
  const name = file.name.slice(0, NAME_LIMIT) || "未命名";
  const entry = { part, name, type: file.type.slice(0, NAME_LIMIT), size: file.size, salt: toHex(salt), role };
  return { part: sealed, entry };
}

// Part 0. `files` are the entries of sealFile. Also what a draft saves, again and again, under fresh salts.
export function sealForm(fields, files, { dek, ref, envelope, put }) {
  const plaintext = new Blob([frame({ envelope, fields, files })]);
  return sealPart(plaintext, { dek, ref, envelope, part: 0, salt: new Uint8Array(0), put });
}

// One envelope key for the custodians and for the bidder himself.
async function deal(dek, { ref, envelope, custodians, set, ownKey }) {
  const shares = split(dek, { quorum: custodians.quorum, count: custodians.custodians.length });
  const wrapped = await Promise.all(shares.map((share, i) =>
    sealTo(fromHex(custodians.custodians[i].key), share, shareInfo(set, ref, envelope, i + 1))));
  return {
    wrapped: wrapped.map(toHex),
    own: toHex(await orgkey.wrap(ownKey, dek, ref, envelope)),
    commitments: {
      name: envelope,
      dek_commit: await dekCommitment(ref, envelope, dek),
      share_commits: await Promise.all(shares.map((share) => shareCommitment(ref, envelope, share))),
      wrapped_shares: await Promise.all(wrapped.map((share) => sha256(share))),
    },
  };
}

// Closes a bid whose parts are uploaded. `envelopes`: {technical: {dek, parts}, price: {…}}; `sheet`: 封标参数 as
// the site gives it. Gives the body of the commit and the manifest's hash, which the receipt must show.
export async function close(envelopes, sheet, ownKey) {
  requireCrypto();
  const ref = bidRef(sheet.demand, sheet.bid, sheet.version);
  const set = await setHash(sheet.custodians);
  if (set !== sheet.set_hash) throw new SealError("M-03");
  const dealt = {};
  for (const name of ENVELOPES) {
    dealt[name] = await deal(envelopes[name].dek, {
      ref, envelope: name, custodians: sheet.custodians, set, ownKey,
    });
  }
  const manifest = canonical({
    format: "jbs1-manifest",
    suite: SUITE,
    demand: ref.demand,
    bid: ref.bid,
    version: ref.version,
    replaces: sheet.replaces,
    set_hash: set,
    envelopes: ENVELOPES.map((name) => ({
      ...dealt[name].commitments,
      parts: [...envelopes[name].parts].sort((a, b) => a.part - b.part),
    })),
  });
  const pick = (what) => Object.fromEntries(ENVELOPES.map((name) => [name, dealt[name][what]]));
  return {
    submission: {
      manifest: new TextDecoder().decode(manifest),
      wrapped_shares: pick("wrapped"),
      own_wraps: pick("own"),
    },
    manifestHash: await sha256(manifest),
  };
}

// A whole bid in one go: `contents` = {technical: {fields, attachments: [{file, role}]}, price: …}.
export async function seal(contents, sheet, ownKey, put) {
  requireCrypto();
  const ref = bidRef(sheet.demand, sheet.bid, sheet.version);
  const files = ENVELOPES.flatMap((name) => contents[name]?.attachments ?? []);
  if (files.reduce((size, { file }) => size + file.size, 0) > TOTAL_LIMIT) throw new SealError("M-05", pick("合计", "in all"));
  const envelopes = {};
  for (const envelope of ENVELOPES) {
    const { fields = {}, attachments = [] } = contents[envelope] ?? {};
    if (attachments.length > FILES_LIMIT) throw new SealError("M-05", pick(`${attachments.length}件`, `${attachments.length} files`));
    const dek = randomBytes(KEY_SIZE);
    const sealed = [];
    for (const [i, { file, role }] of attachments.entries()) {
      sealed.push(await sealFile(file, { dek, ref, envelope, part: i + 1, role, put }));
    }
    const form = await sealForm(fields, sealed.map(({ entry }) => entry), { dek, ref, envelope, put });
    envelopes[envelope] = { dek, parts: [form, ...sealed.map(({ part }) => part)] };
  }
  return close(envelopes, sheet, ownKey);
}
