// A module is fetched only where its mark stands in the page.
const MODULES = [
  ["[data-theme-toggle]", "./theme.js"],
  ["[data-menu]", "./menu.js"],
  ["[data-shortcut]", "./shortcuts.js"],
  ["[data-flash], [data-error-summary]", "./notices.js"],
  ["[data-calc]", "./calc.js"],
  ["[data-configure]", "./configure.js"],
  ["[data-filters]", "./filters.js"],
  ["[data-suggest]", "./suggest.js"],
  ["[data-dialog]", "./dialog.js"],
  ["form[data-confirm]", "./confirm.js"],
  ["[data-once]", "./once.js"],
  ["[data-countdown]", "./countdown.js"],
  ["[data-counter]", "./counter.js"],
  ["[data-upload]", "./upload.js"],
  ["[data-scroll]", "./table.js"],
  ["[data-select-all]", "./select.js"],
  ["[data-quantity]", "./stepper.js"],
  ["[data-copy]", "./copy.js"],
  ["[data-reveal]", "./reveal.js"],
  ["[data-help]", "./help.js"],
  ["[data-password-rules], [data-eye]", "./password.js"],
  ["[data-refresh]", "./refresh.js"],
  ["[data-dirty-warning]", "./dirty.js"],
];

/** Bring `root` to life; called once for the document and again for every fragment that replaces a part of it. */
export async function enhance(root = document) {
  await Promise.all(
    MODULES.filter(([mark]) => root.matches?.(mark) || root.querySelector(mark)).map(async ([, path]) => {
      const module = await import(path);
      module.enhance(root);
    }),
  );
}
