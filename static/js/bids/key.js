// The organisation's key on this device: found, entered, or made for the first time (templates/bids/key_panel.html).
import { pick } from "../modules/language.js";
import * as keystore from "../sealing/keystore.js";
import { checkHash, importCode, newCode } from "../sealing/orgkey.js";
import { canSeal } from "../sealing/reasons.js";
import { call } from "./api.js";

const PRINTED = pick("单位标书钥匙", "Key of our bids");

// A sheet for the safe, without the rest of the page.
export function printCode(code, organisation) {
  const sheet = document.createElement("div");
  sheet.className = "key-sheet";
  const lines = [PRINTED, organisation, code, location.origin, pick(
    "只有用这串钥匙码才能再读本单位的草稿和已封的标书。平台没有副本。请像公章一样保管。",
    "Only this code reads our drafts and sealed bids again. The site has no copy. Keep it as you keep the seal.",
  )];
  for (const line of lines) {
    const paragraph = document.createElement("p");
    paragraph.textContent = line;
    sheet.append(paragraph);
  }
  document.body.append(sheet);
  document.body.dataset.printing = "key";
  window.print();
  sheet.remove();
  delete document.body.dataset.printing;
}

function say(form, sentence) {
  const error = form.querySelector("[data-key-error]");
  error.textContent = sentence;
  error.hidden = !sentence;
}

// Whether this browser can do it at all; says why not before anything is typed.
export function able(root) {
  if (canSeal() && globalThis.indexedDB) return true;
  const panel = root.querySelector("[data-key-panel]");
  panel.hidden = false;
  panel.querySelector("[data-key-no]").hidden = false;
  panel.querySelector("[data-key-why]").textContent = globalThis.isSecureContext
    ? pick("浏览器没有加密功能（crypto.subtle）或不能保存钥匙（IndexedDB）。", "this browser lacks crypto.subtle or IndexedDB.")
    : pick("这个地址不是https，浏览器因此关闭了加密功能。", "this address is not https, so the browser switches encryption off.");
  return false;
}

function make(root, state, where) {
  const form = root.querySelector("[data-key-new]");
  const code = newCode();
  form.hidden = false;
  form.querySelector("[data-key-code]").textContent = code;
  form.querySelector("[data-key-print]").addEventListener("click", () => printCode(code, state.organisation));
  return new Promise((done) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!form.querySelector("[data-key-kept]").checked) {
        say(form, pick("请先打印或抄下钥匙码，再打勾。它不会再显示。", "Please print or copy the code first, then tick. It is not shown again."));
        return;
      }
      try {
        const key = await importCode(code);
        const check_hash = await checkHash(key);
        await call(where.keyUrl, { csrf: where.csrf, method: "POST", json: { check_hash } });
        await keystore.keep(check_hash, key);
        form.hidden = true;
        done(key);
      } catch (error) {
        say(form, error.message);
      }
    });
  });
}

function enter(root, state) {
  const form = root.querySelector("[data-key-enter]");
  form.hidden = false;
  return new Promise((done) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        const key = await importCode(form.querySelector("input").value);
        if ((await checkHash(key)) !== state.key) {
          say(form, pick("这不是贵单位现在的钥匙码。可能已经换过，请向同事要最新打印的那一张。", "This is not your organisation's present code. It may have been renewed; ask a colleague for the newest sheet."));
          return;
        }
        await keystore.keep(state.key, key);
        form.hidden = true;
        done(key);
      } catch (error) {
        say(form, error.message.replace(/^C-\d\d /, ""));
      }
    });
  });
}

// The key in force. `state`: {key, organisation}; `where`: {keyUrl, csrf}.
export async function unlock(root, state, where) {
  const panel = root.querySelector("[data-key-panel]");
  const kept = state.key ? await keystore.find(state.key) : null;
  if (kept) return kept;
  panel.hidden = false;
  panel.querySelector("h2").focus();
  const key = await (state.key ? enter(root, state) : make(root, state, where));
  panel.hidden = true;
  return key;
}
