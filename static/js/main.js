// Attaches the modules that a page names: <div data-module="countdown">, several separated by spaces. Every page works
// without them. A module is a file in modules/ whose default export takes the element.

const attached = new WeakMap();

export async function attach(root) {
  const elements = [...root.querySelectorAll("[data-module]")];
  if (root.dataset?.module) elements.unshift(root);
  await Promise.all(elements.flatMap((element) => element.dataset.module.split(" ").map((name) => start(element, name))));
}

async function start(element, name) {
  const done = attached.get(element) ?? new Set();
  if (done.has(name)) return;
  attached.set(element, done.add(name));
  try {
    (await import(`./modules/${name}.js`)).default(element);
  } catch (error) {
    console.error(`module ${name}`, error);
  }
}

// Not awaited at the top: modules import attach from here and would wait for us in turn.
attach(document).then(() => (document.documentElement.dataset.ready = ""));
