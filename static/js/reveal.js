// The eye beside a secret: a POST fetches it, it is shown for half a minute and then leaves the page again.
import { bind } from "./copy.js";

const SHOWN_MS = 30_000;

export function enhance(root) {
  for (const form of root.querySelectorAll("[data-reveal]")) watch(form);
}

function watch(form) {
  const value = form.querySelector("[data-reveal-value]");
  const [eye, copy] = [form.querySelector("[type=submit]"), form.querySelector("[data-reveal-copy]")];
  const [said, refused] = [form.querySelector("[role=status]"), form.querySelector("[role=alert]")];
  const dots = value.textContent;
  let timer = 0;
  let asking = false;
  const isShown = () => eye.getAttribute("aria-pressed") === "true";

  const set = (text, shown) => {
    value.textContent = text;
    eye.setAttribute("aria-pressed", String(shown));
    eye.setAttribute("aria-label", shown ? eye.dataset.hide : eye.dataset.show);
    copy.hidden = !shown || !navigator.clipboard;
  };
  const hide = () => {
    clearTimeout(timer);
    if (isShown()) said.textContent = form.dataset.hidden;
    set(dots, false);
  };
  const refuse = (text) => {
    refused.textContent = text;
    refused.hidden = false;
  };

  set(dots, false);
  if (navigator.clipboard) bind(copy, () => value.textContent);
  // Nothing stays behind for Back to bring from memory.
  addEventListener("pagehide", hide);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (isShown()) return hide();
    if (asking) return;
    asking = true;
    refused.hidden = true;
    try {
      const headers = { Accept: "application/json" };
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), headers, cache: "no-store" });
      const body = await answer.json();
      if (body.code === "recent_login_required") {
        location.assign(`${body.confirm}?next=${encodeURIComponent(location.pathname + location.search)}`);
      } else if (answer.ok) {
        set(body.value, true);
        said.textContent = form.dataset.shown;
        timer = setTimeout(hide, SHOWN_MS);
      } else {
        refuse(body.detail);
      }
    } catch {
      refuse(form.dataset.failed);
    }
    asking = false;
  });
}
