// A new password: an eye beside each field, and the rules below are ticked while it is typed. The server checks it again.
//   <button data-eye="id_password" data-show="Show" data-hide="Hide" hidden>
//   <ul data-password-rules="id_password"><li data-pattern=".{8,26}" data-any-case>...<span data-state></span></li></ul>
export function enhance(root) {
  for (const eye of root.querySelectorAll("[data-eye]")) watch(eye);
  for (const list of root.querySelectorAll("[data-password-rules]")) tick(list);
}

function watch(eye) {
  const field = document.getElementById(eye.dataset.eye);
  if (!field) return;
  eye.hidden = false;
  eye.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    eye.setAttribute("aria-pressed", String(shown));
    eye.setAttribute("aria-label", shown ? eye.dataset.hide : eye.dataset.show);
  });
  // A browser keeps what stood in a text field; a password is sent as one.
  field.form?.addEventListener("submit", () => {
    field.type = "password";
  });
}

function tick(list) {
  const field = document.getElementById(list.dataset.passwordRules);
  if (!field) return;
  const rules = [...list.querySelectorAll("[data-pattern]")].map((item) => [
    item,
    new RegExp(`^(?:${item.dataset.pattern})$`, "anyCase" in item.dataset ? "i" : ""),
  ]);
  const show = () => {
    for (const [item, pattern] of rules) {
      const met = field.value !== "" && pattern.test(field.value);
      item.classList.toggle("is-met", met);
      item.querySelector("[data-state]").textContent = met ? ` (${list.dataset.met ?? "met"})` : "";
    }
  };
  field.addEventListener("input", show);
  show();
}
