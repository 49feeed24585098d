// Cost Details: each change of the form fetches the server's calculation; prices are never computed here.
//   <form data-calc data-quote-url="/products/x/quote/" data-quote-target="cost"> ... <div id="cost">
// data-calc-only="flavor duration" names the fields that have a price; others, such as a password, are not sent there.
// A form inside the target (Pay Now with the signed quote) waits while what it would send is out of date.
import { debounce, load } from "./fragment.js";

const WAIT_MS = 200;

function isChanged(field) {
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  return "defaultValue" in field && field.value !== field.defaultValue;
}

function enliven(form) {
  const target = document.getElementById(form.dataset.quoteTarget);
  const updateButton = form.querySelector("[data-calc-submit]");
  if (!target) return;
  if (updateButton) updateButton.hidden = true;
  let running;
  let outdated = false;

  const update = debounce(async () => {
    if (!form.isConnected) return;
    running?.abort();
    running = new AbortController();
    const only = form.dataset.calcOnly?.split(" ");
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) {
      if (only && !only.includes(name)) continue;
      if (typeof value === "string" && name !== "csrfmiddlewaretoken") query.append(name, value);
    }
    try {
      if (!(await load(target, `${form.dataset.quoteUrl}?${query}`, running.signal))) return;
      outdated = false;
      repeatTotal(target);
    } catch {
      if (updateButton) updateButton.hidden = false;
    }
  }, WAIT_MS);

  const changed = (event) => {
    if (form.dataset.calcOnly && !form.dataset.calcOnly.split(" ").includes(event.target.name)) return;
    // configure.js fetches the whole form then, and the cost with it.
    if (form.dataset.pageUrl && event.target.closest("[data-reload]")) return;
    outdated = true;
    update();
  };
  form.addEventListener("input", changed);
  // Fields that stand elsewhere in the page and name this form.
  document.addEventListener("input", (event) => {
    if (event.target.form === form && !form.contains(event.target)) changed(event);
  });
  // What was typed before this module came, or what Back restored.
  if ([...form.elements].some(isChanged)) {
    outdated = true;
    update();
  }
  target.addEventListener("submit", (event) => {
    if (outdated && form.isConnected) event.preventDefault();
  });
}

/** The bar at the foot of small screens repeats the total of Cost Details. */
export function repeatTotal(target) {
  const total = target.querySelector("[data-total]");
  for (const shown of document.querySelectorAll("[data-total-repeated]"))
    shown.replaceChildren(...(total ? total.cloneNode(true).childNodes : ["—"]));
}

export function enhance(root) {
  const forms = root.matches?.("form[data-calc]") ? [root] : root.querySelectorAll("form[data-calc]");
  for (const form of forms) enliven(form);
}
