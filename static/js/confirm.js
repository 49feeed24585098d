// A form marked data-confirm="ID" is sent only when its <dialog> was answered with OK.
export function enhance(root) {
  for (const form of root.querySelectorAll("form[data-confirm]")) {
    const dialog = document.getElementById(form.dataset.confirm);
    if (!dialog) continue;
    let sender = null;
    let answered = false;
    form.addEventListener("submit", (event) => {
      // What is incomplete goes to the server at once, which says what is missing beside each field.
      if (answered || !form.checkValidity()) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      sender = event.submitter;
      dialog.showModal();
    });
    dialog.querySelector("[data-confirm-yes]").addEventListener("click", () => {
      answered = true;
      dialog.close();
      form.requestSubmit(sender);
      answered = false;
    });
    for (const button of dialog.querySelectorAll("[data-confirm-no]")) {
      button.addEventListener("click", () => dialog.close());
    }
    dialog.addEventListener("close", () => sender?.focus());
  }
}
