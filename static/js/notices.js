// Flashes can be closed; an error summary takes the focus, so that a screen reader begins with it.
export function enhance(root) {
  for (const flash of root.querySelectorAll("[data-flash]")) {
    const button = flash.querySelector("[data-close]");
    button.hidden = false;
    button.addEventListener("click", () => flash.remove());
  }
  root.querySelector("[data-error-summary]")?.focus();
}
