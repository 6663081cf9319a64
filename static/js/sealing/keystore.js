// Where the organisation's key stays on this device: IndexedDB keeps CryptoKey objects without their bytes.
import { objectStore } from "./idb.js";

const run = objectStore("zhangbang", "organisation-keys");

// `name`: the check hash of the key, so that one device can serve several organisations and follow a renewal.
export const keep = (name, key) => run("readwrite", (store) => store.put(key, name));
export const find = (name) => run("readonly", (store) => store.get(name));
export const forget = (name) => run("readwrite", (store) => store.delete(name));
