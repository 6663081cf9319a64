// Brings the error summary into view and focus after a refused form, and its links into the field itself.
export default function errorSummary(box) {
  box.focus({ preventScroll: false });
  box.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const target = link && document.getElementById(link.hash.slice(1));
    if (!target) return;
    event.preventDefault();
    const field = target.matches("input, select, textarea, button") ? target : target.querySelector("input, select, textarea");
    (field ?? target).focus();
    target.scrollIntoView({ block: "center" });
  });
}
