// Tick all rows, and say beside the button how many are ticked; without the script each row is ticked by itself.
export default function selectRows(form) {
  const all = form.querySelector("[data-all]");
  const button = form.querySelector("[data-needs-rows]");
  const boxes = [...form.querySelectorAll("tbody input[type=checkbox]")];
  const words = button.textContent;
  const show = () => {
    const count = boxes.filter((box) => box.checked).length;
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
    button.textContent = count ? `${words}（${count}）` : words;
    button.setAttribute("aria-disabled", String(!count));
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => {
    if (!boxes.some((box) => box.checked)) event.preventDefault();
  });
  show();
}
