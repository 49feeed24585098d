// A table that is wider than its place can be scrolled by keyboard; one that fits is no extra tab stop.
export function enhance(root) {
  for (const region of root.querySelectorAll("[data-scroll]")) {
    const fit = () => {
      const wide = region.scrollWidth > region.clientWidth;
      region.classList.toggle("is-wide", wide);
      if (wide) region.tabIndex = 0;
      else region.removeAttribute("tabindex");
    };
    new ResizeObserver(fit).observe(region);
  }
}
