// The custodian set, a release, and the proof that a custodian still holds his key; the twin of custodians.py.

import { openWith } from "./hpke.js";
import { SealError } from "./reasons.js";
import { canonical, fromHex, sha256, shareInfo, toHex, utf8 } from "./wire.js";

// `set` is the JSON that the notice prints. Gives its hash, which must be the one that the notice names.
export async function setHash(set) {
  const custodians = set.custodians.map(({ id, key }) => ({ id, key }));
  return sha256(canonical({ format: "jbs1-custodians", suite: set.suite, quorum: set.quorum, custodians }));
}

export const fingerprint = (point) => sha256(point);

export async function unwrapShare(holder, wrapped) {
  const info = shareInfo(wrapped.setHash, wrapped.ref, wrapped.envelope, wrapped.index);
  return openWith(holder, wrapped.sealed, info);
}

// One act over the shares of every set that closed: each as hex, or null where it is junk.
// `onProgress(done, total)` lets the page show where it stands.
export async function release(holder, wrappedShares, onProgress = () => {}) {
  const shares = [];
  for (const wrapped of wrappedShares) {
    try {
      shares.push(toHex(await unwrapShare(holder, wrapped)));
    } catch (error) {
      if (!(error instanceof SealError)) throw error;
      shares.push(null);
    }
    onProgress(shares.length, wrappedShares.length);
  }
  return shares;
}

// The answer to a challenge, as hex. Its info string can never be that of a share.
export async function answerChallenge(holder, { custodianId, nonce, sealed }) {
  return toHex(await openWith(holder, fromHex(sealed), utf8(`jbs1|proof|${custodianId}|${nonce}`)));
}
