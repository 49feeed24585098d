// Cost Details: each change of the form fetches the server's calculation; prices are never computed here.
//   <form data-calc data-quote-url="/products/x/quote/" data-quote-target="cost"> ... <div id="cost">
import { debounce, load } from "./fragment.js";

const WAIT_MS = 200;

export function enhance(root) {
  for (const form of root.querySelectorAll("form[data-calc]")) {
    const target = document.getElementById(form.dataset.quoteTarget);
    const updateButton = form.querySelector("[data-calc-submit]");
    if (!target) continue;
    if (updateButton) updateButton.hidden = true;
    let running;

    const update = debounce(async () => {
      running?.abort();
      running = new AbortController();
      const query = new URLSearchParams();
      for (const [name, value] of new FormData(form)) {
        if (typeof value === "string" && name !== "csrfmiddlewaretoken") query.append(name, value);
      }
      try {
        await load(target, `${form.dataset.quoteUrl}?${query}`, running.signal);
      } catch {
        if (updateButton) updateButton.hidden = false;
      }
    }, WAIT_MS);

    form.addEventListener("input", update);
    form.addEventListener("change", update);
  }
}
