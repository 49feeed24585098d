// Configuring a product: another specification or billing mode offers other fields, so the form of that choice is
// fetched and put in place; the focus stays on the chosen tile. When that fails the page is loaded instead.
//   <form data-configure data-page-url="/products/x/" data-quote-target="cost"> ... <div data-reload> radios </div>
import { repeatTotal } from "./calc.js";
import { enhance as enhanceAll } from "./enhance.js";

let running;

function addressOf(form, chosen) {
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    const ofOldSpecification = chosen.name === "specification" && name.startsWith("attribute.");
    if (typeof value === "string" && !ofOldSpecification) query.append(name, value);
  }
  return `${form.dataset.pageUrl}?${query}`;
}

async function reconfigure(form, chosen) {
  const address = addressOf(form, chosen);
  running?.abort();
  running = new AbortController();
  form.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, { credentials: "same-origin", signal: running.signal });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.getElementById(form.id);
    const cost = page.getElementById(form.dataset.quoteTarget);
    if (!fresh || !cost) throw new Error("The page has no such form");
    const target = document.getElementById(form.dataset.quoteTarget);
    target.replaceChildren(...cost.childNodes);
    repeatTotal(target);
    form.replaceWith(fresh);
    history.replaceState(null, "", address);
    await enhanceAll(fresh);
    const same = `[name="${CSS.escape(chosen.name)}"]`;
    fresh.querySelector(chosen.tagName === "SELECT" ? same : `${same}[value="${CSS.escape(chosen.value)}"]`)?.focus();
  } catch (error) {
    if (error.name !== "AbortError") location.assign(`${address}#pricing`);
  }
}

export function enhance(root) {
  const forms = root.matches?.("form[data-configure]") ? [root] : root.querySelectorAll("form[data-configure]");
  for (const form of forms) {
    form.addEventListener("change", (event) => {
      if (event.target.closest("[data-reload]")) reconfigure(form, event.target);
    });
  }
}
