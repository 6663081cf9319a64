// The large-print link without a new page: the same cookie that /preferences sets, the same attribute on <html>.
export default function largePrint(link) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const root = document.documentElement;
    const on = root.dataset.mode !== "large";
    if (on) root.dataset.mode = "large";
    else delete root.dataset.mode;
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `large=${on ? "on" : "off"}; path=/; max-age=31536000; samesite=lax${secure}`;
    for (const other of document.querySelectorAll('[data-module="large-print"]')) {
      other.textContent = on ? other.dataset.on : other.dataset.off;
      other.search = other.search.replace(/large=\w+/, `large=${on ? "off" : "on"}`);
    }
  });
}
