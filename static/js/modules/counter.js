// "39 / 500" beside a text field, counted in characters as a person counts them.
export default function counter(element) {
  const field = document.getElementById(element.dataset.for);
  const limit = Number(element.dataset.limit);
  const count = () => {
    const used = [...field.value].length;
    element.textContent = `${used} / ${limit}`;
    element.toggleAttribute("data-over", used > limit);
  };
  field.addEventListener("input", count);
  count();
}
