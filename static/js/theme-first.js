// Runs before the first paint: says that scripts run, and follows the system where the server printed no theme.
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  if (!root.dataset.bsTheme) {
    root.dataset.bsTheme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  }
})();
