// One box that selects all of a table: <label data-select-all="app" hidden><input type="checkbox"> ...</label>
export function enhance(root) {
  for (const label of root.querySelectorAll("[data-select-all]")) {
    const all = label.querySelector("input");
    const boxes = [...document.querySelectorAll(`input[type=checkbox][name="${CSS.escape(label.dataset.selectAll)}"]`)];
    if (!boxes.length) continue;
    const show = () => {
      const chosen = boxes.filter((box) => box.checked).length;
      all.checked = chosen === boxes.length;
      all.indeterminate = chosen > 0 && chosen < boxes.length;
    };
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
    });
    for (const box of boxes) box.addEventListener("change", show);
    show();
    label.hidden = false;
  }
}
