// A changed form asks before it is left unsaved.
export function enhance(root) {
  for (const form of root.querySelectorAll("form[data-dirty-warning]")) {
    let dirty = false;
    form.addEventListener("input", () => (dirty = true));
    form.addEventListener("submit", () => (dirty = false));
    addEventListener("beforeunload", (event) => {
      if (dirty) event.preventDefault();
    });
  }
}
