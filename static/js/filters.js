// Filters: a change fetches the results of the new address; the address is the state, so Back and sharing work.
//   <form data-filters> and <div id="results"> on the same page; `?fragment=results` answers only the latter.
import { debounce, load } from "./fragment.js";

const WAIT_MS = 250;
let running;

async function show(url) {
  const region = document.getElementById("results");
  running?.abort();
  running = new AbortController();
  const address = new URL(url);
  address.searchParams.set("fragment", "results");
  try {
    await load(region, address, running.signal);
  } catch {
    location.assign(url);
  }
}

function addressOf(form) {
  const url = new URL(form.action || location.href, location.href);
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "") query.append(name, value);
  url.search = query.toString();
  return url;
}

export function enhance(root) {
  for (const form of root.querySelectorAll("form[data-filters]")) {
    if (!document.getElementById("results")) continue;
    const changed = debounce(() => {
      const url = addressOf(form);
      history.pushState({ filters: true }, "", url);
      show(url);
    }, WAIT_MS);
    form.addEventListener("change", changed);
  }
  if (root === document) {
    // The boxes of an earlier state are the server's to print, so Back loads the page.
    addEventListener("popstate", () => location.reload());
  }
}
