// Menus are <details>: this adds Escape, closing by a click elsewhere, and the arrow keys.
const FOCUSABLE = "a[href], button:not([disabled])";

function close(menu, { focus = false } = {}) {
  menu.open = false;
  if (focus) menu.querySelector("summary").focus();
}

function move(menu, step) {
  const items = [...menu.querySelectorAll(`.menu-panel :is(${FOCUSABLE})`)];
  const at = items.indexOf(document.activeElement);
  items[at < 0 && step < 0 ? items.length - 1 : (at + step + items.length) % items.length]?.focus();
}

export function enhance(root) {
  for (const menu of root.querySelectorAll("[data-menu]")) {
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) close(menu, { focus: true });
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        menu.open = true;
        move(menu, event.key === "ArrowDown" ? 1 : -1);
      }
    });
    menu.addEventListener("focusout", (event) => {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) close(menu);
    });
    document.addEventListener("click", (event) => {
      if (menu.open && !menu.contains(event.target)) close(menu);
    });
  }
}
