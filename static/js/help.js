// A help text opens beside its question mark instead of in the middle of the screen.
const GAP = 8;

export function enhance(root) {
  for (const button of root.querySelectorAll("[data-help]")) {
    const text = document.getElementById(button.getAttribute("popovertarget"));
    text?.addEventListener("toggle", () => {
      if (!text.matches(":popover-open")) return;
      const at = button.getBoundingClientRect();
      const width = text.offsetWidth;
      const below = at.bottom + GAP + text.offsetHeight < innerHeight;
      text.style.position = "fixed";
      text.style.margin = "0";
      text.style.left = `${Math.max(GAP, Math.min(at.left + at.width / 2 - width / 2, innerWidth - width - GAP))}px`;
      text.style.top = below ? `${at.bottom + GAP}px` : `${at.top - GAP - text.offsetHeight}px`;
    });
  }
}
