// A bid being prepared: its keys, its two forms, its files. Everything that leaves this module is ciphertext.
import { pick } from "../modules/language.js";
import { decrypt } from "../sealing/container.js";
import { unframe } from "../sealing/form.js";
import { envelopeOf, openPart, readManifest, requireKey } from "../sealing/opening.js";
import * as orgkey from "../sealing/orgkey.js";
import { FILE_LIMIT, FILES_LIMIT, TOTAL_LIMIT, close, sealFile, sealForm } from "../sealing/seal.js";
import { ENVELOPES, KEY_SIZE, bidRef, concat, fromHex, randomBytes, sha256, toHex } from "../sealing/wire.js";
import { Refusal, call } from "./api.js";
import * as stash from "./stash.js";

// The part of a draft's form that is ours and is never sealed: manifest entries of the files, the next part number,
// files whose upload was begun ({entry, sealed}), and those of a former version that are still to be carried over.
const OWN = "draft";

const listed = ({ files, pending }) => JSON.stringify([files, pending]);

async function plaintext(blob, where) {
  const chunks = [];
  for await (const chunk of decrypt(blob, where)) chunks.push(chunk);
  return concat(...chunks);
}

export class Draft {
  constructor(state, key, { base, csrf }) {
    Object.assign(this, { state, key, base, csrf });
    this.ref = bidRef(state.sheet.demand, state.sheet.bid, state.sheet.version);
    this.rules = state.rules;
    this.exists = Boolean(state.draft);
    this.envelopes = {};
    for (const name of ENVELOPES) {
      this.envelopes[name] = { dek: null, files: [], parts: [], next: 1, pending: [], carry: [], seen: "", listed: "", fields: null };
    }
    this.onWait = () => {};
    this.saving = Promise.resolve();
  }

  static async load(base) {
    return call(`${base}/draft.json`);
  }

  fetchPart(bid, version, envelope, part) {
    const place = bid === this.ref.bid ? this.base : this.base.replace(this.ref.bid, bid);
    return call(`${place}/parts/${version}/${envelope}/${part}`);
  }

  // --- reading ------------------------------------------------------------------------------------------------------

  // The draft as saved; else the sealed version, its files to be carried over; else what profile and last bid give.
  async open() {
    if (this.state.draft) await this.openDraft();
    else if (this.state.sealed) await this.openSealed();
    else await this.begin();
  }

  async openDraft() {
    for (const name of ENVELOPES) {
      const envelope = this.envelopes[name];
      envelope.dek = await orgkey.unwrap(this.key, fromHex(this.state.draft.own_wraps[name]), this.ref, name);
      const pieces = this.state.uploaded[name]["0"];
      if (!pieces) continue;
      this.adopt(name, await this.savedForm(name, pieces[0]));
    }
    const lacking = ENVELOPES.filter((name) => this.envelopes[name].fields === null); // the line was cut at the first save
    await stash.prune(this.ref.bid, new Set(this.uploading.map(({ name, sealed }) => `${this.ref.version}/${name}/${sealed.part}`))).catch(() => {});
    if (lacking.length) await (this.state.sealed ? this.openSealed(lacking) : this.begin(lacking));
  }

  // The form of an envelope as it was last saved, under the hash of its piece.
  async savedForm(name, seen) {
    const { dek } = this.envelopes[name];
    const blob = await this.fetchPart(this.ref.bid, this.ref.version, name, 0);
    const form = unframe(await plaintext(blob, { dek, ref: this.ref, envelope: name, part: 0 }), name);
    const { [OWN]: own = {}, ...fields } = form.fields;
    return { seen, fields, files: form.files, parts: own.parts ?? [], next: own.next ?? 1, pending: own.pending ?? [], carry: own.carry ?? [] };
  }

  adopt(name, saved) {
    const envelope = Object.assign(this.envelopes[name], saved);
    envelope.listed = listed(envelope);
  }

  // What a colleague saved since we last did; null where nobody has, or where files came or went here meanwhile: two
  // lists of files are not put together by a machine.
  async theirs(name) {
    const envelope = this.envelopes[name];
    const state = await Draft.load(this.base);
    const seen = state.uploaded?.[name]?.["0"]?.[0];
    if (!seen || seen === envelope.seen || state.sheet?.version !== this.ref.version) return null;
    return listed(envelope) === envelope.listed ? this.savedForm(name, seen) : null;
  }

  async sealedKeys() {
    const { sealed } = this.state;
    const manifest = await readManifest(sealed.manifest, sealed.manifest_hash);
    const ref = bidRef(manifest.demand, manifest.bid, manifest.version);
    const deks = {};
    for (const name of ENVELOPES) {
      deks[name] = await orgkey.unwrap(this.key, fromHex(sealed.own_wraps[name]), ref, name);
      await requireKey(manifest, name, deks[name]);
    }
    return { manifest, ref, deks };
  }

  async sealedForm(from, name) {
    const blob = await this.fetchPart(from.ref.bid, from.ref.version, name, 0);
    const part = envelopeOf(from.manifest, name).parts[0];
    return unframe(await openPart(from.manifest, name, part, blob, from.deks[name], new Uint8Array(0)), name);
  }

  // One file of the sealed version, checked against its commitments.
  async sealedFile(from, name, entry) {
    const part = envelopeOf(from.manifest, name).parts.find(({ part: number }) => number === entry.part);
    const blob = await this.fetchPart(from.ref.bid, from.ref.version, name, entry.part);
    const data = await openPart(from.manifest, name, part, blob, from.deks[name], fromHex(entry.salt));
    return new File([data], entry.name, { type: entry.type });
  }

  async openSealed(names = ENVELOPES) {
    const from = await this.sealedKeys();
    for (const name of names) {
      const form = await this.sealedForm(from, name);
      Object.assign(this.envelopes[name], { fields: form.fields, carry: form.files, next: Math.max(0, ...form.files.map(({ part }) => part)) + 1 });
    }
  }

  // 填一次: the profile, and from the last bid what does not belong to its demand.
  async begin(names = ENVELOPES) {
    const { profile, milestones, members, rules } = this.state;
    const lead = { name: profile.bidder, credit_code: profile.credit_code, share: "100", tasks: "" };
    const others = members.map((member) => ({ ...member, share: null, tasks: "" }));
    const eligibility = { ...profile, members: [lead, ...others], people: [], statements: [], promises: [], exclusions: [] };
    const technical = { milestones, team: [], track: [], responses: rules.terms.indicators.map((indicator) => ({ indicator, value: "", deviation: "0" })) };
    const last = await this.lastForm().catch(() => null); // another key, or ciphertext long gone: then without it
    if (last) {
      for (const name of ["legal_representative", "address", "contact_name", "contact_phone", "contact_email", "people"]) {
        eligibility[name] = last.eligibility?.[name] || eligibility[name];
      }
      technical.team = last.technical?.team ?? [];
      technical.track = (last.technical?.track ?? []).map((row) => ({ ...row, file: null }));
      technical.data_security = last.technical?.data_security ?? "";
    }
    const fields = { technical: { schema: rules.schema, eligibility, technical }, price: { schema: rules.schema, lines: [] } };
    for (const name of names) this.envelopes[name].fields = fields[name];
  }

  async lastForm() {
    const { last } = this.state;
    if (!last) return null;
    const ref = bidRef(last.ref.demand, last.ref.bid, last.ref.version);
    const dek = await orgkey.unwrap(this.key, fromHex(last.own_wraps.technical), ref, "technical");
    const blob = await this.fetchPart(ref.bid, ref.version, "technical", 0);
    return unframe(await plaintext(blob, { dek, ref, envelope: "technical", part: 0 }), "technical").fields;
  }

  // --- writing ------------------------------------------------------------------------------------------------------

  request(path, options) {
    return call(`${this.base}/${path}`, { csrf: this.csrf, onWait: (_attempt, why) => this.onWait(why), ...options });
  }

  // Makes the keys of a new draft and leaves their wraps before anything is encrypted under them.
  async ensure() {
    if (this.exists) return;
    const own_wraps = {};
    for (const name of ENVELOPES) {
      this.envelopes[name].dek = randomBytes(KEY_SIZE);
      own_wraps[name] = toHex(await orgkey.wrap(this.key, this.envelopes[name].dek, this.ref, name));
    }
    await this.request("draft", { method: "PUT", json: { version: this.ref.version, own_wraps } });
    this.exists = true;
  }

  put(onPiece = () => {}, replaces = null) {
    return async (envelope, part, index, bytes) => {
      const headers = { "X-Chunk-SHA256": await sha256(bytes) };
      if (replaces !== null) headers["X-Replaces"] = replaces;
      await this.request(`pieces/${this.ref.version}/${envelope}/${part}/${index}`, { method: "PUT", body: bytes, headers });
      onPiece(index, headers["X-Chunk-SHA256"]);
    };
  }

  finish(envelope, part) {
    return this.request("parts", { method: "POST", json: { version: this.ref.version, envelope, ...part } });
  }

  // One envelope's form with everything about its files; under a fresh salt each time. One save after the other: each
  // names the piece that it replaces.
  saveForm(name, options) {
    const saving = this.saving.then(() => this.storeForm(name, options));
    this.saving = saving.catch(() => {});
    return saving;
  }

  async storeForm(name, { sealing = false } = {}) {
    await this.ensure();
    const envelope = this.envelopes[name];
    const { parts, next, pending, carry } = envelope;
    const fields = sealing ? envelope.fields : { ...envelope.fields, [OWN]: { parts, next, pending, carry } };
    let hash = "";
    const put = this.put((_, digest) => (hash = digest), envelope.seen);
    const part = await sealForm(fields, envelope.files, { dek: envelope.dek, ref: this.ref, envelope: name, put });
    envelope.seen = hash;
    envelope.listed = listed(envelope);
    await this.finish(name, part);
    return part;
  }

  get size() {
    const entries = ENVELOPES.flatMap((name) => [...this.envelopes[name].files, ...this.envelopes[name].pending.map(({ entry }) => entry)]);
    return entries.reduce((sum, { size }) => sum + size, 0);
  }

  whyNotFile(file, name) {
    if (file.size > FILE_LIMIT) return pick(`${file.name}超过50 MiB，请压缩或拆分。`, `${file.name} is larger than 50 MiB; please compress or split it.`);
    if (this.size + file.size > TOTAL_LIMIT) return pick(`加上${file.name}，合计超过200 MiB。`, `With ${file.name} the files exceed 200 MiB in all.`);
    if (this.envelopes[name].files.length + this.envelopes[name].pending.length >= FILES_LIMIT) return pick(`每个封套不超过${FILES_LIMIT}件。`, `No more than ${FILES_LIMIT} files in an envelope.`);
    if (!file.size) return pick(`${file.name}是空文件。`, `${file.name} is empty.`);
    return null;
  }

  // Encrypts a file, notes it in the draft as begun and uploads it; `onProgress(done, total)` in chunks. Its ciphertext
  // waits on this device until the site has it: after a reload `resume` goes on. The form that lists it is saved after.
  async addFile(name, file, role, onProgress = () => {}) {
    await this.ensure();
    const envelope = this.envelopes[name];
    const part = envelope.next;
    envelope.next += 1;
    const put = (_envelope, _part, index, bytes) => stash.put(this.ref, name, part, index, bytes);
    const { part: sealed, entry } = await sealFile(file, { dek: envelope.dek, ref: this.ref, envelope: name, part, role, put });
    envelope.pending.push({ entry, sealed });
    onProgress(0, 1, part);
    await this.saveForm(name);
    return this.send(name, { entry, sealed }, onProgress);
  }

  // [{name, entry, sealed}] of the uploads that were begun and have not ended.
  get uploading() {
    return ENVELOPES.flatMap((name) => this.envelopes[name].pending.map((begun) => ({ name, ...begun })));
  }

  // Sends what the site does not have yet of a file whose upload was begun.
  async send(name, { entry, sealed }, onProgress = () => {}) {
    const envelope = this.envelopes[name];
    const there = new Set(this.state.uploaded[name][String(sealed.part)] ?? []);
    const total = Math.max(1, Math.ceil(entry.size / (1 << 20)));
    const put = this.put();
    for (let index = 0; index < total; index += 1) {
      const bytes = await stash.get(this.ref, name, sealed.part, index);
      if (!bytes) throw new Refusal(0, pick("这一件是在另一台设备上传的，没有传完。请在那台设备上打开本页，或删去后重新选择。", "This upload was begun on another device. Please open this page there, or remove the file and choose it again."));
      if (!there.has(await sha256(bytes))) await put(name, sealed.part, index, bytes);
      onProgress(index + 1, total, sealed.part);
    }
    await this.finish(name, sealed);
    envelope.pending = envelope.pending.filter(({ sealed: { part } }) => part !== sealed.part);
    envelope.files.push(entry);
    envelope.parts.push(sealed);
    await stash.drop(this.ref, name, sealed.part).catch(() => {});
    return entry;
  }

  // After a reload: everything that was cut goes on by itself, and the form says so.
  async resume(onProgress = () => {}) {
    for (const begun of this.uploading) {
      await this.send(begun.name, begun, (done, total) => onProgress(begun, done, total));
      await this.saveForm(begun.name);
    }
  }

  async dropFile(name, part) {
    const envelope = this.envelopes[name];
    await this.request(`parts/${this.ref.version}/${name}/${part}`, { method: "DELETE" });
    await stash.drop(this.ref, name, part).catch(() => {});
    envelope.pending = envelope.pending.filter(({ sealed }) => sealed.part !== part);
    envelope.files = envelope.files.filter((entry) => entry.part !== part);
    envelope.parts = envelope.parts.filter((entry) => entry.part !== part);
  }

  get carrying() {
    return ENVELOPES.reduce((sum, name) => sum + this.envelopes[name].carry.length, 0);
  }

  // A chunk that a page just closed had sent may still arrive between ours: then the file is sent once more.
  async carryFile(from, name, entry) {
    const file = await this.sealedFile(from, name, entry);
    const where = { dek: this.envelopes[name].dek, ref: this.ref, envelope: name, part: entry.part, role: entry.role, put: this.put() };
    for (let tries = 3; ; tries -= 1) {
      const sealed = await sealFile(file, where);
      try {
        await this.finish(name, sealed.part);
        return sealed;
      } catch (problem) {
        if (problem.status !== 409 || tries === 1) throw problem;
      }
    }
  }

  // Replacing: the files of the sealed version are opened and encrypted anew for this one, under their old numbers,
  // so that the response table still points to them.
  async carryFiles(onProgress = () => {}) {
    if (!this.carrying) return;
    await this.ensure();
    const from = await this.sealedKeys();
    for (const name of ENVELOPES) {
      const envelope = this.envelopes[name];
      for (const entry of [...envelope.carry]) {
        const sealed = await this.carryFile(from, name, entry);
        envelope.files.push(sealed.entry);
        envelope.parts.push(sealed.part);
        envelope.carry = envelope.carry.filter(({ part }) => part !== entry.part);
        await this.saveForm(name);
        onProgress(entry.name);
      }
    }
  }

  // --- sealing ------------------------------------------------------------------------------------------------------

  // Closes both envelopes; gives the body of the commit and the hash that the receipt must show.
  async close() {
    const envelopes = {};
    for (const name of ENVELOPES) {
      const form = await this.saveForm(name, { sealing: true });
      envelopes[name] = { dek: this.envelopes[name].dek, parts: [form, ...this.envelopes[name].parts] };
    }
    return close(envelopes, this.state.sheet, this.key);
  }
}

// The act that counts. The same key is sent until there is an answer, so that a lost answer is no second bid.
export async function commit({ base, csrf, onWait = () => {} }, closed) {
  const headers = { "Idempotency-Key": toHex(randomBytes(16)) };
  const answer = await call(`${base}/sealing`, { csrf, method: "POST", json: closed.submission, headers, onWait: (_attempt, why) => onWait(why) });
  if (answer.manifest_hash !== closed.manifestHash) {
    throw new Refusal(0, pick("回执上的清单指纹与本机算出的不一致。请保留本页并联系监督员。", "The receipt states another manifest than this browser has sealed. Keep this page and call the supervisor."));
  }
  return answer;
}
