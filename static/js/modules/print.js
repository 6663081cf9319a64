// A print button, shown only where it can work.
export default function print(button) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
