// A table that is wider than its place can be scrolled by keyboard; one that fits is no extra tab stop.
export function enhance(root) {
  for (const region of root.querySelectorAll("[data-scroll]")) {
    const fit = () => {
      if (region.scrollWidth > region.clientWidth) region.tabIndex = 0;
      else region.removeAttribute("tabindex");
    };
    new ResizeObserver(fit).observe(region);
  }
}
