// Copies the page's address; where the browser forbids it the link remains a link.
export default function copyLink(link) {
  const words = link.textContent;
  link.setAttribute("aria-live", "polite");
  link.addEventListener("click", async (event) => {
    if (!navigator.clipboard) return;
    event.preventDefault();
    try {
      await navigator.clipboard.writeText(new URL(link.getAttribute("href"), location.href).href);
      link.textContent = link.dataset.done;
      setTimeout(() => (link.textContent = words), 3000);
    } catch {
      location.assign(link.href);
    }
  });
}
