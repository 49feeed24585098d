// "12/1,000" under a text field; said aloud only when few characters are left.
const number = new Intl.NumberFormat(document.documentElement.lang || "en");

export function enhance(root) {
  for (const field of root.querySelectorAll("[data-counter]")) {
    const counter = document.getElementById(field.dataset.counter);
    if (!counter) continue;
    const limit = Number(counter.dataset.limit);
    const show = () => {
      // Characters, not UTF-16 units: the server counts the same.
      const used = [...field.value].length;
      counter.textContent = `${number.format(used)}/${number.format(limit)}`;
      counter.classList.toggle("is-over", used > limit);
      if (limit - used < 50) counter.setAttribute("aria-live", "polite");
      else counter.removeAttribute("aria-live");
    };
    field.addEventListener("input", show);
    show();
  }
}
