// One act over everything that has closed: fetch this custodian's wrapped shares of the ticked demands, open them here,
// send the shares. The private key stays in this page. data-shares, data-release: where to ask and where to send.
import { release } from "../sealing/custodians.js";
import { fromHex } from "../sealing/wire.js";
import { hex, holderFrom, send, words } from "./custodian-holder.js";
import { canSeal } from "../sealing/reasons.js";
import { pick } from "./language.js";

export default function custodianRelease(form) {
  const status = form.querySelector("[data-part=status]");
  const bar = form.querySelector("progress");
  const button = form.querySelector("button");
  const say = (text) => (status.textContent = text);
  if (!canSeal()) {
    say(pick("当前不是安全连接（https），浏览器不提供加密功能，不能释放。", "No secure connection (https): releasing is impossible here."));
    return;
  }
  button.disabled = false;

  async function act() {
    const wanted = [...form.querySelectorAll("input[name=demand]:checked")].map(({ value, dataset }) => ({ demand: value, stage: dataset.stage }));
    if (!wanted.length) throw new Error(pick("请至少选择一条需求。", "Choose at least one demand."));
    const token = form.elements.csrf_token.value;
    say(pick("正在打开密钥文件…", "Opening the key file…"));
    const holder = await holderFrom(form);
    const password = form.elements.password.value;
    const { sets } = await send(form.dataset.shares, token, { releases: wanted, password });
    const key = hex(holder.point);
    if (sets.some((set) => set.key !== key)) {
      throw new Error(pick("所选密钥不是这些需求张榜时固定的那一把。请选择当时的密钥文件，或分次释放。", "This is not the key these demands were published with."));
    }
    const total = sets.reduce((sum, { shares }) => sum + shares.length, 0);
    bar.hidden = false;
    let done = 0;
    const releases = [];
    for (const { demand, stage, setHash, shares } of sets) {
      const wrapped = shares.map((item) => ({
        setHash,
        ref: { demand, bid: item.bid, version: item.version },
        envelope: item.envelope,
        index: item.index,
        sealed: fromHex(item.sealed),
      }));
      const opened = await release(holder, wrapped, () => {
        bar.value = Math.round((100 * ++done) / total);
        if (done % 16 === 0) say(pick(`正在解开分片 ${bar.value}%`, `Opening shares ${bar.value} %`));
      });
      releases.push({ demand, stage, shares: opened.map((share, place) => ({ bid: shares[place].bid, envelope: shares[place].envelope, share })) });
    }
    say(pick("正在提交…", "Sending…"));
    const { next } = await send(form.dataset.release, token, { releases });
    location.assign(next);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      bar.hidden = true;
      button.disabled = false;
      say(words(error));
      status.focus();
    }
  });
}
