// Configuring a product: another specification or billing mode has other inputs, so the page is loaded for it.
//   <form data-configure data-page-url="/products/x/"> ... <div data-reload> radios </div>
export function enhance(root) {
  for (const form of root.querySelectorAll("form[data-configure]")) {
    form.addEventListener("change", (event) => {
      if (!event.target.closest("[data-reload]")) return;
      const query = new URLSearchParams();
      for (const [name, value] of new FormData(form)) {
        if (typeof value === "string" && !(event.target.name === "specification" && name.startsWith("attribute.")))
          query.append(name, value);
      }
      window.location.assign(`${form.dataset.pageUrl}?${query}#pricing`);
    });
  }
}
