// Large print without a new page: the attribute changes at once, the choice is posted in the background.
export default function largePrint(form) {
  const button = form.querySelector("button");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(form, button);
    const large = button.value === "large";
    const root = document.documentElement;
    if (large) root.dataset.mode = "large";
    else delete root.dataset.mode;
    for (const other of document.querySelectorAll('[data-module="large-print"] button')) {
      other.value = large ? "normal" : "large";
      [other.textContent, other.dataset.other] = [other.dataset.other, other.textContent];
    }
    fetch(form.action, { method: "POST", body: data, redirect: "manual" });
  });
}
