// Suggestions below a search box (combobox pattern of ARIA 1.2): arrows choose, Enter takes, Escape closes.
// data-url answers GET ?q= with {"items": [{"text": "…", "url": "/…" or null}]}.
let boxes = 0;

export default function suggest(form) {
  const input = form.querySelector("input[type=search]");
  const list = document.createElement("ul");
  const id = `suggest-${++boxes}`;
  Object.assign(list, { id, role: "listbox", className: "suggest", hidden: true });
  list.setAttribute("aria-label", input.getAttribute("aria-label"));
  form.append(list);
  for (const [name, value] of [["role", "combobox"], ["aria-expanded", "false"], ["aria-controls", id], ["aria-autocomplete", "list"]]) {
    input.setAttribute(name, value);
  }
  let items = [];
  let at = -1;
  let timer = 0;
  let turn = 0;

  const close = () => {
    clearTimeout(timer);
    turn++; // an answer that is still on its way comes too late
    list.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const mark = () => {
    [...list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
    if (at < 0) input.removeAttribute("aria-activedescendant");
    else {
      input.setAttribute("aria-activedescendant", `${id}-${at}`);
      list.children[at].scrollIntoView({ block: "nearest" });
    }
  };
  const take = (item) => {
    if (item.url) location.assign(item.url);
    else {
      input.value = item.text;
      close();
      form.requestSubmit();
    }
  };
  const draw = () => {
    list.replaceChildren(
      ...items.map((item, index) => {
        const option = document.createElement("li");
        Object.assign(option, { id: `${id}-${index}`, role: "option", textContent: item.text });
        option.setAttribute("aria-selected", "false");
        option.addEventListener("mousedown", (event) => {
          event.preventDefault();
          take(item);
        });
        return option;
      }),
    );
    list.hidden = !items.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  };

  async function ask() {
    const mine = ++turn;
    const text = input.value.trim();
    if (!text) return close();
    try {
      const response = await fetch(`${form.dataset.url}?q=${encodeURIComponent(text)}`, { headers: { Accept: "application/json" } });
      if (!response.ok || mine !== turn) return;
      items = (await response.json()).items;
      at = -1;
      draw();
    } catch {
      close();
    }
  }

  input.addEventListener("input", (event) => {
    if (event.isComposing) return; // pinyin still being typed
    clearTimeout(timer);
    timer = setTimeout(ask, 200);
  });
  input.addEventListener("compositionend", ask);
  input.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      at = (at + (event.key === "ArrowDown" ? 1 : -1) + items.length + 1) % (items.length + 1);
      if (at === items.length) at = -1;
      mark();
    } else if (event.key === "Enter" && at >= 0) {
      event.preventDefault();
      take(items[at]);
    } else if (event.key === "Escape") {
      close();
    }
  });
  input.addEventListener("blur", close);
}
