// Light or dark at once, and a cookie for a year so that the server prints the same theme from now on.
const YEAR_SECONDS = 31_536_000;

function remember(theme) {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `theme=${theme}; Path=/; Max-Age=${YEAR_SECONDS}; SameSite=Lax${secure}`;
}

export function enhance(root) {
  for (const toggle of root.querySelectorAll("[data-theme-toggle]")) {
    toggle.setAttribute("role", "button");
    toggle.addEventListener("click", (event) => {
      event.preventDefault();
      const page = document.documentElement;
      page.dataset.bsTheme = page.dataset.bsTheme === "dark" ? "light" : "dark";
      remember(page.dataset.bsTheme);
    });
    toggle.addEventListener("keydown", (event) => {
      if (event.key === " ") {
        event.preventDefault();
        toggle.click();
      }
    });
  }
}
