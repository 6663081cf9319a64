// The bidder reads his own bid or draft again; the twin of opening.py without the custodians' part.

import { pick } from "../modules/language.js";
import { decrypt, plaintextLength } from "./container.js";
import { unframe } from "./form.js";
import { SealError } from "./reasons.js";
import { concat, dekCommitment, fromHex, sha256 } from "./wire.js";

// The manifest as an object, when its bytes are those that the receipt states.
export async function readManifest(text, hash) {
  if ((await sha256(new TextEncoder().encode(text))) !== hash) throw new SealError("S-04");
  return JSON.parse(text);
}

export const envelopeOf = (manifest, name) => manifest.envelopes.find((envelope) => envelope.name === name);

export async function requireKey(manifest, name, dek) {
  if ((await dekCommitment(manifest, name, dek)) !== envelopeOf(manifest, name).dek_commit) throw new SealError("J-01");
}

// The plaintext of one part as bytes, checked against ciphertext hash and plaintext commitment. `manifest` also
// serves as the reference {demand, bid, version}.
export async function openPart(manifest, name, part, ciphertext, dek, salt) {
  if (ciphertext.size !== part.length) throw new SealError("S-02", pick(`第${part.part}件`, `part ${part.part}`));
  const stored = new Uint8Array(await ciphertext.arrayBuffer());
  if ((await sha256(stored)) !== part.sha256) throw new SealError("S-03", pick(`第${part.part}件`, `part ${part.part}`));
  const chunks = [];
  for await (const chunk of decrypt(ciphertext, { dek, ref: manifest, envelope: name, part: part.part })) {
    chunks.push(chunk);
  }
  const plaintext = concat(...chunks);
  if ((await sha256(salt, plaintext)) !== part.pt_commit) throw new SealError("J-04", pick(`第${part.part}件`, `part ${part.part}`));
  return plaintext;
}

// {fields, files: [File]} of one envelope; `fetchPart(name, part)` gives the stored ciphertext as a Blob.
export async function openEnvelope(manifest, name, dek, fetchPart) {
  await requireKey(manifest, name, dek);
  const { parts } = envelopeOf(manifest, name);
  const frame = await openPart(manifest, name, parts[0], await fetchPart(name, 0), dek, new Uint8Array(0));
  const form = unframe(frame, name);
  const listed = [...form.files].sort((a, b) => a.part - b.part).map(({ part, size }) => `${part}:${size}`);
  const committed = parts.slice(1).map(({ part, length }) => `${part}:${plaintextLength(length)}`);
  if (listed.join() !== committed.join()) throw new SealError("J-06");
  const files = [];
  for (const entry of form.files) {
    const part = parts.find(({ part: number }) => number === entry.part);
    const data = await openPart(manifest, name, part, await fetchPart(name, part.part), dek, fromHex(entry.salt));
    files.push({ role: entry.role, file: new File([data], entry.name, { type: entry.type }) });
  }
  return { fields: form.fields, files };
}
