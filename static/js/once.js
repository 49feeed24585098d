// A form marked data-once is sent once. The handler stands on the document, so that a form's own handlers come first
// and may still keep it back.
/** Mark `form` as being sent and say so on its button (`data-busy` on the button or the form). */
export function hold(form, button) {
  form.dataset.sent = "yes";
  if (!button) return;
  button.setAttribute("aria-disabled", "true");
  const busy = button.dataset.busy ?? form.dataset.busy;
  if (busy) {
    button.dataset.idle = button.textContent;
    button.textContent = busy;
  }
}

/** Let `form` be sent again. */
export function release(form) {
  delete form.dataset.sent;
  const button =
    form.querySelector("[aria-disabled=true]") ?? document.querySelector(`[form="${form.id}"][aria-disabled=true]`);
  if (!button) return;
  button.removeAttribute("aria-disabled");
  if (button.dataset.idle) button.textContent = button.dataset.idle;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("[data-once]")) return;
  if (form.dataset.sent) event.preventDefault();
  else hold(form, event.submitter);
});

// A page that Back brings from memory may send again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.answered;
    release(form);
  }
});

export function enhance() {}
