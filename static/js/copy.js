// Copy buttons appear only where the browser can copy; the label says that it worked.
const SHOWN_MS = 2000;

/** Let `button` copy what `text()` says when it is pressed. */
export function bind(button, text) {
  const label = button.getAttribute("aria-label");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text());
    const said = document.createElement("span");
    said.setAttribute("role", "status");
    said.className = "small text-2";
    said.textContent = button.dataset.done;
    button.after(said);
    button.setAttribute("aria-label", button.dataset.done);
    setTimeout(() => {
      said.remove();
      button.setAttribute("aria-label", label);
    }, SHOWN_MS);
  });
}

export function enhance(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    bind(button, () => button.dataset.copy);
  }
}
