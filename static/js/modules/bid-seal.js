// The seal page: what lies in each envelope, what is missing, and the one act that the deadline is about.
import { Draft, commit } from "../bids/draft.js";
import { able, unlock } from "../bids/key.js";
import { missing, part, showMissing, size } from "../bids/view.js";
import { ENVELOPES } from "../sealing/wire.js";
import { pick } from "./language.js";

export default async function bidSeal(root) {
  const where = { base: root.dataset.base, csrf: root.dataset.csrf, keyUrl: root.dataset.keyUrl };
  if (!able(root)) return;
  const status = root.querySelector("[data-seal-status]");
  const error = root.querySelector("[data-seal-error]");
  const say = (text) => (status.textContent = text);
  const fail = (text) => {
    error.textContent = text;
    error.hidden = !text;
  };
  let draft = null;
  try {
    const state = await Draft.load(where.base);
    draft = new Draft(state, await unlock(root, state, where), where);
    await draft.open();
  } catch (problem) {
    root.querySelector("[data-bid-body]").hidden = false;
    fail(problem.message);
    return;
  }
  draft.onWait = (why) => say(why || pick("网络中断，正在重试，请勿关闭本页", "No connection, trying again; please keep this page open"));
  root.querySelector("[data-bid-body]").hidden = false;
  const button = root.querySelector("[data-seal]");

  const show = () => {
    for (const name of ENVELOPES) root.querySelector(`[data-envelope="${name}"]`).replaceChildren(...lines(draft, name));
    const left = showMissing(root, missing(draft), root.dataset.form);
    const cut = draft.uploading.length;
    const ready = draft.exists && !left && !draft.carrying && !cut;
    button.setAttribute("aria-disabled", String(!ready));
    if (!draft.exists) say(pick("还没有改动过的草稿。先到表单填写。", "There is no draft yet. Please fill in the form first."));
    else if (cut) say(pick(`有${cut}件没有传完，正在接着上传或须回表单处理`, `${cut} uploads are not finished`));
    else say(left ? pick(`还差${left}处，补齐后可以封口`, `${left} to be completed before sealing`) : pick("封口只需几秒；只有这一步以截止时刻为准", "Sealing takes seconds; only this act counts against the deadline"));
    return ready;
  };
  if (draft.exists && draft.carrying) {
    say(pick("正在把上一版的文件加密到新的一版……", "Encrypting the former version's files for the new one …"));
    await draft.carryFiles(show).catch((problem) => fail(problem.message));
  }
  if (draft.uploading.length) {
    say(pick("接着上传没有传完的文件……", "Going on with the upload that was cut …"));
    await draft.resume().catch((problem) => fail(problem.message));
  }
  show();
  root.dataset.ready = "";

  let running = false;
  button.addEventListener("click", async () => {
    if (running || !show()) return;
    running = true;
    button.setAttribute("aria-disabled", "true");
    fail("");
    try {
      say(pick("正在封装并上传表单……", "Closing the envelopes …"));
      const closed = await draft.close();
      say(pick("正在提交……", "Submitting …"));
      const answer = await commit({ ...where, onWait: draft.onWait }, closed);
      say(pick("已封口，正在打开回执……", "Sealed; opening the receipt …"));
      location.assign(answer.url);
    } catch (problem) {
      running = false;
      show();
      fail(problem.message);
    }
  });
}

function lines(draft, name) {
  const { fields, files, pending, carry } = draft.envelopes[name];
  const word = draft.exists ? pick("已加密上传", "encrypted and uploaded") : pick("在本机", "on this computer");
  const rows = [];
  if (name === "technical") {
    const answers = fields.technical?.responses ?? [];
    const better = answers.filter(({ deviation }) => deviation === "+").length;
    const worse = answers.filter(({ deviation }) => deviation === "-").length;
    const note = pick(`${answers.length}项，正偏离${better}、负偏离${worse}`, `${answers.length} rows, ${better} better, ${worse} worse than asked`);
    rows.push(part({ name: pick("指标响应表与技术方案", "Response table and technical plan"), note, state: "sealed", word }));
    const members = fields.eligibility?.members ?? [];
    rows.push(part({ name: pick("单位、团队与声明", "Bidder, team and statements"), note: members.length > 1 ? pick(`联合体${members.length}家`, `${members.length} members`) : pick("独立揭榜", "single bidder"), state: "sealed", word }));
  } else {
    rows.push(part({ name: pick("分项报价", "Price lines"), note: pick(`${(fields.lines ?? []).length}个分项；金额不在本页显示`, `${(fields.lines ?? []).length} lines; amounts are not shown here`), state: "sealed", word }));
  }
  const english = document.documentElement.lang === "en" ? 1 : 0;
  const role = (entry) => draft.rules.roles[entry.role]?.label[english] ?? "";
  const parts = new Map(draft.envelopes[name].parts.map((entry) => [entry.part, entry]));
  for (const entry of files) {
    const digest = parts.get(entry.part)?.sha256.slice(0, 12) ?? "";
    rows.push(part({ name: entry.name, note: `${role(entry)}，${size(entry.size)}，${pick("密文", "ciphertext")} ${digest}…`, state: "sealed", word: pick("已加密上传", "encrypted and uploaded") }));
  }
  for (const { entry } of pending) rows.push(part({ name: entry.name, note: role(entry), state: "working", word: pick("没有传完", "upload not finished") }));
  for (const entry of carry) rows.push(part({ name: entry.name, note: role(entry), state: "working", word: pick("等待加密到新的一版", "to be encrypted anew") }));
  if (name === "technical") {
    for (const promise of fields.eligibility?.promises ?? []) {
      rows.push(part({ name: draft.rules.documents[promise.document]?.[english] ?? "", note: promise.reason, state: "promise", word: pick(`容缺，${promise.due_on ?? ""}前补交`, `promised for ${promise.due_on ?? ""}`) }));
    }
  }
  return rows;
}
