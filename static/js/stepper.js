// The - and + beside a number; the field itself stays a plain number field.
export function enhance(root) {
  for (const box of root.querySelectorAll("[data-quantity]")) {
    const input = box.querySelector("input");
    const buttons = [...box.querySelectorAll("[data-step]")];
    const show = () => {
      for (const button of buttons) {
        const edge = Number(button.dataset.step) < 0 ? input.min : input.max;
        const atEdge = edge !== "" && Number(input.value) === Number(edge);
        button.setAttribute("aria-disabled", String(atEdge));
      }
    };
    for (const button of buttons) {
      button.hidden = false;
      button.addEventListener("click", () => {
        if (button.getAttribute("aria-disabled") === "true") return;
        if (Number(button.dataset.step) < 0) input.stepDown();
        else input.stepUp();
        input.dispatchEvent(new Event("input", { bubbles: true }));
      });
    }
    input.addEventListener("input", show);
    show();
  }
}
