// Fetching a part of a page: the old part stays, marked busy, until the new one is there.
import { enhance } from "./enhance.js";

const SLOW_MS = 300;

/** Replace the children of `region` by what `url` answers. Returns false when aborted; throws on any other failure. */
export async function load(region, url, signal) {
  region.setAttribute("aria-busy", "true");
  const slow = setTimeout(() => region.classList.add("is-slow"), SLOW_MS);
  try {
    const response = await fetch(url, {
      headers: { Accept: "text/html-fragment, text/html;q=0.9" },
      credentials: "same-origin",
      signal,
    });
    const type = response.headers.get("Content-Type") ?? "";
    if (!type.startsWith("text/html") || (!response.ok && response.status !== 422))
      throw new Error(response.statusText);
    const html = await response.text();
    if (signal?.aborted) return false;
    const parsed = new DOMParser().parseFromString(html, "text/html");
    region.replaceChildren(...parsed.body.childNodes);
    await enhance(region);
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    throw error;
  } finally {
    clearTimeout(slow);
    if (!signal?.aborted) {
      region.removeAttribute("aria-busy");
      region.classList.remove("is-slow");
    }
  }
}

/** `action` after `wait` milliseconds without another call. */
export function debounce(action, wait) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(action, wait, ...values);
  };
}
