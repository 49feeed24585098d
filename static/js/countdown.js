// Counts on what the server printed: each minute, in the last hour each second. The server's rest counts, not this
// machine's clock.
function words(seconds) {
  const minutes = Math.floor(seconds / 60);
  const days = Math.floor(minutes / 1440);
  if (days >= 2) return `${days} days left`;
  if (days === 1) return `1 day ${Math.floor(minutes / 60) - 24} h left`;
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
  return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s left`;
}

export function enhance(root) {
  if (!document.documentElement.lang.startsWith("en")) return;
  for (const mark of root.querySelectorAll("[data-countdown]")) {
    const text = mark.querySelector("[data-countdown-rest]");
    const endsAt = performance.now() + Number(mark.dataset.rest) * 1000;
    if (!text || Number(mark.dataset.rest) <= 0) continue;

    const tick = () => {
      const rest = (endsAt - performance.now()) / 1000;
      if (rest <= 0) {
        text.textContent = mark.dataset.passed || "Deadline passed";
        return;
      }
      text.textContent = words(rest);
      setTimeout(tick, rest > 3600 ? 60_000 : 1000);
    };
    tick();
  }
}
