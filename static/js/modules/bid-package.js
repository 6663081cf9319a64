// A bid sealed offline (.zbq, an uncompressed zip): its chunks go up one by one, then the commit.
import { Refusal, call } from "../bids/api.js";
import { CHUNK_SIZE, HEADER_SIZE, TAG_SIZE } from "../sealing/container.js";
import { randomBytes, sha256, toHex } from "../sealing/wire.js";
import { pick } from "./language.js";

const STEP = CHUNK_SIZE + TAG_SIZE;
const bad = () => new Refusal(0, pick("这不是封标包，或文件不完整。", "This is no sealed package, or it is incomplete."));

// {name: Blob} of a stored zip, read by its central directory (with zip64 sizes).
async function entries(file) {
  const tail = new DataView(await file.slice(Math.max(0, file.size - 66000)).arrayBuffer());
  let end = tail.byteLength - 22;
  while (end >= 0 && tail.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) throw bad();
  const [size, start] = [tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
  const list = new DataView(await file.slice(start, start + size).arrayBuffer());
  const found = {};
  for (let at = 0; at + 46 <= list.byteLength; ) {
    if (list.getUint32(at, true) !== 0x02014b50 || list.getUint16(at + 10, true) !== 0) throw bad();
    const [length, nameSize, extraSize, noteSize] = [list.getUint32(at + 24, true), list.getUint16(at + 28, true), list.getUint16(at + 30, true), list.getUint16(at + 32, true)];
    const offset = list.getUint32(at + 42, true);
    const name = new TextDecoder().decode(new Uint8Array(list.buffer, at + 46, nameSize));
    const local = new DataView(await file.slice(offset, offset + 30).arrayBuffer());
    const data = offset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
    found[name] = file.slice(data, data + length);
    at += 46 + nameSize + extraSize + noteSize;
  }
  return found;
}

export default function bidPackage(form) {
  const { base, csrf } = form.dataset;
  const status = form.querySelector("[data-bid-status]");
  const error = form.querySelector("[data-seal-error]");
  const bar = form.querySelector("progress");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = form.querySelector("#package").files[0];
    error.hidden = true;
    try {
      if (!file) throw new Refusal(0, pick("请选择封标包。", "Please choose a package."));
      const found = await entries(file);
      if (!found["submission.json"]) throw bad();
      const submission = JSON.parse(await found["submission.json"].text());
      const manifest = JSON.parse(submission.manifest);
      bar.hidden = false;
      const onWait = (_attempt, why) => (status.textContent = why || pick("网络中断，正在重试……", "No connection, trying again …"));
      const { uploaded } = await call(`${base}/draft.json`, { onWait }); // what a cut upload has left there
      let sent = 0;
      for (const { name, parts } of manifest.envelopes) {
        for (const part of parts) {
          const blob = found[`parts/${name}.${part.part}`];
          if (!blob || blob.size !== part.length) throw bad();
          for (let index = 0, at = 0; at < blob.size || !index; index += 1) {
            const until = HEADER_SIZE + (index + 1) * STEP;
            const bytes = new Uint8Array(await blob.slice(at, until).arrayBuffer());
            const headers = { "X-Chunk-SHA256": await sha256(bytes) };
            const there = uploaded[name]?.[String(part.part)]?.includes(headers["X-Chunk-SHA256"]);
            if (!there) await call(`${base}/pieces/${manifest.version}/${name}/${part.part}/${index}`, { csrf, method: "PUT", body: bytes, headers, onWait });
            at = until;
            sent += bytes.length;
            bar.value = Math.min(100, (100 * sent) / file.size);
          }
          await call(`${base}/parts`, { csrf, method: "POST", json: { version: manifest.version, envelope: name, ...part }, onWait });
        }
      }
      status.textContent = pick("正在封口……", "Sealing …");
      const answer = await call(`${base}/sealing`, { csrf, method: "POST", json: submission, headers: { "Idempotency-Key": toHex(randomBytes(16)) }, onWait });
      location.assign(answer.url);
    } catch (problem) {
      error.textContent = problem instanceof SyntaxError ? bad().message : problem.message;
      error.hidden = false;
    }
  });
}
