// Where the organisation's key stays on this device: IndexedDB keeps CryptoKey objects without their bytes.

const DATABASE = "zhangbang";
const STORE = "organisation-keys";

function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function run(mode, act) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = act(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

// `name`: the check hash of the key, so that one device can serve several organisations and follow a renewal.
export const keep = (name, key) => run("readwrite", (store) => store.put(key, name));
export const find = (name) => run("readonly", (store) => store.get(name));
export const forget = (name) => run("readwrite", (store) => store.delete(name));
