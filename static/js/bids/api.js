// Talking to the site: JSON or bytes, with the CSRF token, and patient when the line is cut.
import { pick } from "../modules/language.js";

export class Refusal extends Error {
  constructor(status, sentence, answer = {}) {
    super(sentence);
    this.status = status;
    this.answer = answer;
  }
}

const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const BUSY = new Set([429, 502, 503, 504]);

// One request; a lost connection and a busy server are tried again until `tries` are used up, the pause growing to
// 15 s. Every request made here may be repeated: chunks go by their hash, the commit by its idempotency key.
export async function call(url, { csrf = "", method = "GET", json, body, headers = {}, tries = 60, onWait = () => {} } = {}) {
  const options = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin" };
  if (method !== "GET") options.headers["X-CSRFToken"] = csrf;
  if (json !== undefined) {
    options.body = JSON.stringify(json);
    options.headers["Content-Type"] = "application/json";
  } else if (body !== undefined) {
    options.body = body;
    options.headers["Content-Type"] = "application/octet-stream";
  }
  for (let attempt = 1; ; attempt += 1) {
    let response = null;
    try {
      response = await fetch(url, options);
      if (response.ok) {
        const type = response.headers.get("Content-Type") ?? "";
        return await (type.includes("json") ? response.json() : response.blob());
      }
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      response = null; // no connection, or it broke off in the middle
    }
    if (response && !BUSY.has(response.status)) {
      const answer = await response.json().catch(() => ({}));
      const lost = pick("没有写入，请刷新页面后重试", "Not stored; please reload the page and try again");
      throw new Refusal(response.status, answer.detail || answer.title || lost, answer);
    }
    if (attempt >= tries) throw new Refusal(0, pick("网络中断，没有传完。请检查网络后再试", "The connection is lost. Please check it and try again"));
    const said = response ? await response.json().catch(() => ({})) : {}; // a server that answers says what it waits for
    onWait(attempt, response?.status === 503 ? said.detail : "");
    await wait(Math.min(15000, 500 * 2 ** Math.min(attempt, 5)));
  }
}
