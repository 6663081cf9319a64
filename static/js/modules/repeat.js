// Rows one can add and remove in place. Without the script the same buttons submit the form and the server does it.
import { attach } from "../main.js";

const FIELDS = "input, select, textarea";

export default function repeat(list) {
  const { name, legend } = list.dataset;
  const least = Number(list.dataset.least);
  const most = Number(list.dataset.most);
  const add = list.querySelector("[data-add]");
  const rows = () => [...list.querySelectorAll(":scope > [data-row]")];
  if (!rows().length || !add) return; // nothing to copy from: the button submits

  const renumber = () => {
    rows().forEach((row, index) => {
      row.querySelector("legend").textContent = `${legend} ${index + 1}`;
      const old = new RegExp(`(^| )${name}-\\d+(?=-)`, "g");
      for (const element of row.querySelectorAll("*")) {
        for (const attribute of ["id", "name", "for", "aria-describedby", "data-for"]) {
          const value = element.getAttribute(attribute);
          if (value) element.setAttribute(attribute, value.replace(old, `$1${name}-${index}`));
        }
      }
      const remove = row.querySelector("[data-remove]");
      if (remove) {
        remove.value = `${name}-${index}`;
        remove.querySelector(".visually-hidden").textContent = `${legend} ${index + 1}`;
        remove.hidden = rows().length <= least;
      }
    });
    add.hidden = rows().length >= most;
    list.closest("form")?.dispatchEvent(new Event("input", { bubbles: true }));
  };

  add.addEventListener("click", (event) => {
    event.preventDefault();
    const last = rows().at(-1);
    const row = last.cloneNode(true);
    for (const field of row.querySelectorAll(FIELDS)) {
      if (field.type === "checkbox" || field.type === "radio") field.checked = false;
      else if (field.tagName === "SELECT") field.selectedIndex = 0;
      else field.value = "";
      field.removeAttribute("aria-invalid");
    }
    for (const element of row.querySelectorAll("[data-invalid]")) element.removeAttribute("data-invalid");
    for (const element of row.querySelectorAll(".error")) element.remove();
    last.after(row);
    renumber();
    attach(row);
    row.querySelector(FIELDS).focus();
  });

  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove]");
    if (!button || rows().length === 1) return; // the last one is removed by the server
    event.preventDefault();
    const row = button.closest("[data-row]");
    const next = row.nextElementSibling?.matches("[data-row]") ? row.nextElementSibling : row.previousElementSibling;
    row.remove();
    renumber();
    next.querySelector(FIELDS).focus();
  });
}
