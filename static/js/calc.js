// Cost Details: each change of the form fetches the server's calculation; prices are never computed here.
//   <form data-calc data-quote-url="/products/x/quote/" data-quote-target="cost"> ... <div id="cost">
import { debounce, load } from "./fragment.js";

const WAIT_MS = 200;

function enliven(form) {
  const target = document.getElementById(form.dataset.quoteTarget);
  const updateButton = form.querySelector("[data-calc-submit]");
  if (!target) return;
  if (updateButton) updateButton.hidden = true;
  let running;

  const update = debounce(async () => {
    if (!form.isConnected) return;
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

  form.addEventListener("input", (event) => {
    // configure.js fetches the whole form then, and the cost with it.
    if (!(form.dataset.pageUrl && event.target.closest("[data-reload]"))) update();
  });
}

export function enhance(root) {
  const forms = root.matches?.("form[data-calc]") ? [root] : root.querySelectorAll("form[data-calc]");
  for (const form of forms) enliven(form);
}
