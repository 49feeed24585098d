// A part of the page that shows something on its way is fetched anew every few seconds, until it has arrived.
//   <div id="server" data-refresh="4"> ... </div>      the answer without the mark ends it
export function enhance(root) {
  const regions = root.matches?.("[data-refresh]") ? [root] : root.querySelectorAll("[data-refresh]");
  for (const region of regions) watch(region);
}

function watch(region) {
  const again = () => setTimeout(look, Number(region.dataset.refresh) * 1000);
  async function look() {
    // Whoever reads or works in it is not disturbed.
    if (!region.isConnected) return;
    if (document.hidden || document.querySelector("dialog[open]") || region.contains(document.activeElement)) return again();
    try {
      const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
      // What was on its way has led to another page.
      if (answer.redirected) return location.replace(answer.url);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById(region.id);
      if (!answer.ok || !fresh) return;
      region.replaceChildren(...fresh.childNodes);
      if (fresh.dataset.refresh) return again();
      delete region.dataset.refresh;
    } catch {
      again();
    }
  }
  again();
}
