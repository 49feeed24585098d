// Suggestions while typing: an editable combobox with a list (ARIA APG). Without JavaScript the box is a plain search.
//   <form data-suggest="/search/suggest/"> <input type="search"> <div id="suggestions" role="listbox" hidden>
import { debounce } from "./fragment.js";

const WAIT_MS = 120;

function attach(form) {
  const box = form.querySelector("input[type=search]");
  const list = form.querySelector("[role=listbox]");
  if (!box || !list) return;
  box.setAttribute("role", "combobox");
  box.setAttribute("aria-autocomplete", "list");
  box.setAttribute("aria-controls", list.id);
  box.setAttribute("aria-expanded", "false");
  let running;
  let asked = "";

  const options = () => [...list.querySelectorAll("[role=option]")];

  function mark(option) {
    for (const one of options()) one.setAttribute("aria-selected", String(one === option));
    if (option) box.setAttribute("aria-activedescendant", option.id);
    else box.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  }

  function close() {
    running?.abort();
    asked = "";
    list.hidden = true;
    box.setAttribute("aria-expanded", "false");
    mark(null);
  }

  const ask = debounce(async () => {
    // The end of the text matters: a blank says that the word is finished.
    const text = box.value.trimStart();
    if (!text.trim() || document.activeElement !== box) return close();
    if (text === asked) return;
    running?.abort();
    running = new AbortController();
    asked = text;
    try {
      const answer = await fetch(`${form.dataset.suggest}?q=${encodeURIComponent(text)}`, { signal: running.signal });
      if (!answer.ok) return close();
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      list.replaceChildren(...page.body.children);
      const open = options().length > 0;
      list.hidden = !open;
      box.setAttribute("aria-expanded", String(open));
      mark(null);
    } catch (error) {
      if (error.name !== "AbortError") close();
    }
  }, WAIT_MS);

  box.addEventListener("input", ask);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
      return;
    }
    if (!["ArrowDown", "ArrowUp", "Enter"].includes(event.key) || list.hidden) return;
    const all = options();
    const at = all.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.key === "Enter") {
      if (at >= 0) {
        event.preventDefault();
        all[at].click();
      }
      return;
    }
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = at + step;
    mark(next < 0 || next >= all.length ? null : all[at < 0 && step < 0 ? all.length - 1 : next]);
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) close();
  });
  // A pressed button must not take the focus away before the click arrives.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
}

export function enhance(root) {
  for (const form of root.querySelectorAll("form[data-suggest]")) attach(form);
}
