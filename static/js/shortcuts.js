// "/" goes to the search field, unless somebody is typing or has switched shortcuts off (WCAG 2.1.4).
export function enhance(root) {
  if (document.body.dataset.shortcuts === "off") return;
  for (const field of root.querySelectorAll("[data-shortcut]")) {
    document.addEventListener("keydown", (event) => {
      const typing = event.target.closest(
        "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]",
      );
      if (event.key !== field.dataset.shortcut || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.focus();
      field.select();
    });
  }
}
