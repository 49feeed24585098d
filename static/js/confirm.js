// A form marked data-confirm="ID" is sent only when its <dialog> was answered with OK. An answer holds while the form
// waits for its files (upload.js), which sends it again when they are there.
export function enhance(root) {
  for (const form of root.querySelectorAll("form[data-confirm]")) {
    const dialog = document.getElementById(form.dataset.confirm);
    if (!dialog) continue;
    let sender = null;
    form.addEventListener("submit", (event) => {
      // What is incomplete goes to the server at once, which says what is missing beside each field.
      if (form.dataset.answered || !form.checkValidity()) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      sender = event.submitter;
      dialog.showModal();
    });
    dialog.querySelector("[data-confirm-yes]").addEventListener("click", () => {
      form.dataset.answered = "yes";
      dialog.close();
      form.requestSubmit(sender);
      if (!form.dataset.sent) delete form.dataset.answered;
    });
    for (const button of dialog.querySelectorAll("[data-confirm-no]")) {
      button.addEventListener("click", () => dialog.close());
    }
    dialog.addEventListener("close", () => sender?.focus());
  }
}
