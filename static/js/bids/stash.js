// Ciphertext on its way: pieces wait in IndexedDB until the site has them, so that an upload goes on after the page
// was closed or reloaded. Nothing here is readable without the organisation's key.
import { objectStore } from "../sealing/idb.js";

const run = objectStore("zhangbang-uploads", "pieces");

// Keys sort by bid, version, envelope, part and piece.
const keyOf = ({ bid, version }, envelope, part, piece) => [bid, version, envelope, part, piece];
const partOf = (ref, envelope, part) => IDBKeyRange.bound(keyOf(ref, envelope, part, 0), keyOf(ref, envelope, part, 1e9));

// Where the browser keeps nothing (a private window, a full disk) the pieces last as long as the page does.
const held = new Map();

export async function put(ref, envelope, part, piece, bytes) {
  const key = keyOf(ref, envelope, part, piece);
  await run("readwrite", (store) => store.put(bytes, key)).catch(() => held.set(String(key), bytes));
}

export async function get(ref, envelope, part, piece) {
  const key = keyOf(ref, envelope, part, piece);
  return held.get(String(key)) ?? run("readonly", (store) => store.get(key)).catch(() => undefined);
}

export async function drop(ref, envelope, part) {
  const prefix = `${keyOf(ref, envelope, part, "")}`;
  for (const key of held.keys()) if (key.startsWith(prefix)) held.delete(key);
  await run("readwrite", (store) => store.delete(partOf(ref, envelope, part)));
}

// Forgets what belongs to this bid but to no upload that is still wanted (`wanted`: a set of "version/envelope/part").
export async function prune(bid, wanted) {
  const own = IDBKeyRange.bound([bid], [bid, []]);
  const keys = await run("readonly", (store) => store.getAllKeys(own));
  const stale = keys.filter(([, version, envelope, part]) => !wanted.has(`${version}/${envelope}/${part}`));
  if (stale.length) await run("readwrite", (store) => stale.map((key) => store.delete(key)).at(-1));
}
