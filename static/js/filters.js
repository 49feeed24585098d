// Filters: a change fetches the page of the new address and takes over its results and counts; the address is the
// state, so Back and sharing work. The boxes stay, and with them the focus.
//   <form data-filters> anywhere, <aside id="filters">, <div id="results">
import { enhance as enhanceAll } from "./enhance.js";
import { debounce } from "./fragment.js";

const WAIT_MS = 250;
const SLOW_MS = 300;
let running;

function addressOf(form) {
  const url = new URL(form.action || location.href, location.href);
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "") query.append(name, value);
  url.search = query.toString();
  return url;
}

/** Counts, links and the number on the button of the panel as the new page prints them. */
function takeOverCounts(panel, fresh) {
  if (!panel || !fresh) return;
  for (const box of fresh.querySelectorAll(".opt input")) {
    const own = panel.querySelector(`.opt input[name="${CSS.escape(box.name)}"][value="${CSS.escape(box.value)}"]`);
    const count = own?.closest(".opt").querySelector(".n");
    if (!count) continue;
    count.replaceChildren(...box.closest(".opt").querySelector(".n").cloneNode(true).childNodes);
    own.closest(".opt").classList.toggle("zero", box.closest(".opt").classList.contains("zero"));
  }
  const links = panel.querySelectorAll(".fgroup > ul");
  fresh.querySelectorAll(".fgroup > ul").forEach((list, at) => links[at]?.replaceChildren(...list.childNodes));
  const form = panel.querySelector("form");
  for (const kept of form.querySelectorAll(":scope > input[type=hidden]")) kept.remove();
  form.prepend(...fresh.querySelectorAll("form > input[type=hidden]"));
  for (const part of ["[data-filters-clear]", "[data-filters-submit]"]) {
    panel.querySelector(part)?.replaceChildren(...(fresh.querySelector(part)?.childNodes ?? []));
  }
}

async function show(url) {
  const region = document.getElementById("results");
  running?.abort();
  running = new AbortController();
  const { signal } = running;
  region.setAttribute("aria-busy", "true");
  const slow = setTimeout(() => region.classList.add("is-slow"), SLOW_MS);
  try {
    const response = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin", signal });
    if (!response.ok) throw new Error(response.statusText);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const results = page.getElementById("results");
    if (!results) throw new Error("The page has no results");
    takeOverCounts(document.getElementById("filters"), page.getElementById("filters"));
    const focused = region.contains(document.activeElement) ? document.activeElement.name : "";
    region.replaceChildren(...results.childNodes);
    await enhanceAll(region);
    if (focused) region.querySelector(`[name="${CSS.escape(focused)}"]`)?.focus();
  } catch (error) {
    if (error.name !== "AbortError") location.assign(url);
  } finally {
    clearTimeout(slow);
    if (!signal.aborted) {
      region.removeAttribute("aria-busy");
      region.classList.remove("is-slow");
    }
  }
}

export function enhance(root) {
  for (const form of root.querySelectorAll("form[data-filters]")) {
    if (!document.getElementById("results")) continue;
    form.addEventListener(
      "change",
      debounce(() => {
        const url = addressOf(form);
        history.pushState({ filters: true }, "", url);
        show(url);
      }, WAIT_MS),
    );
  }
  // The boxes of an earlier state are the server's to print, so Back loads the page.
  if (root === document) addEventListener("popstate", () => location.reload());
}
