// The organisation's key: whether this device has it, and a new one under which everything is wrapped anew.
import { call } from "../bids/api.js";
import { able, printCode, unlock } from "../bids/key.js";
import * as keystore from "../sealing/keystore.js";
import { checkHash, importCode, newCode, unwrap, wrap } from "../sealing/orgkey.js";
import { bidRef, fromHex, toHex } from "../sealing/wire.js";
import { pick } from "./language.js";

export default async function bidKey(root) {
  const where = { csrf: root.dataset.csrf, keyUrl: root.dataset.keyUrl };
  if (!able(root)) return;
  const here = root.querySelector("[data-key-here]");
  const error = root.querySelector("[data-seal-error]");
  const state = await call(root.dataset.state);
  if (state.key && !(await keystore.find(state.key))) here.textContent = pick("这台电脑上还没有这把钥匙。", "This device does not have the key yet.");
  const key = await unlock(root, state, where);
  state.key = await checkHash(key);
  here.textContent = pick("这台电脑上有这把钥匙。", "This device has the key.");
  root.querySelector("[data-bid-body]").hidden = false;
  root.dataset.ready = "";

  const fresh = root.querySelector("[data-key-fresh]");
  let code = "";
  root.querySelector("[data-key-renew]").addEventListener("click", () => {
    code = newCode();
    root.querySelector("[data-key-code-new]").textContent = code;
    fresh.hidden = false;
  });
  root.querySelector("[data-key-print-new]").addEventListener("click", () => printCode(code, state.organisation));
  root.querySelector("[data-key-forget]").addEventListener("click", async () => {
    await keystore.forget(state.key);
    location.reload();
  });
  root.querySelector("[data-key-swap]").addEventListener("click", async () => {
    error.hidden = true;
    try {
      if (!root.querySelector("[data-key-kept-new]").checked) throw new Error(pick("请先打印或抄下新的钥匙码，再打勾。", "Please print or copy the new code first, then tick."));
      await renew(root, key, code, where);
      location.reload();
    } catch (problem) {
      error.textContent = problem.message;
      error.hidden = false;
    }
  });
}

async function renew(root, key, code, where) {
  const state = await call(root.dataset.state);
  const next = await importCode(code);
  const check_hash = await checkHash(next);
  const wraps = [];
  for (const { ref: said, own_wraps } of state.wraps) {
    const ref = bidRef(said.demand, said.bid, said.version);
    const anew = {};
    for (const [name, hex] of Object.entries(own_wraps)) {
      anew[name] = toHex(await wrap(next, await unwrap(key, fromHex(hex), ref, name), ref, name));
    }
    wraps.push({ bid: ref.bid, version: ref.version, own_wraps: anew });
  }
  await keystore.keep(check_hash, next); // before the site knows it: a lost answer must not lose the key
  await call(where.keyUrl, { csrf: where.csrf, method: "POST", json: { check_hash, former: state.key, wraps } });
  await keystore.forget(state.key);
}
