// A thin bar for requests that last; quick ones show nothing, so the page does not flicker.
import { EVENTS } from "./events";

const PATIENCE_MS = 180;

export function startProgress(): void {
  const bar = document.getElementById("progress");
  if (!bar) return;
  let open = 0;
  let timer = 0;
  document.addEventListener(EVENTS.beforeRequest, () => {
    open += 1;
    if (open === 1) timer = window.setTimeout(() => (bar.hidden = false), PATIENCE_MS);
  });
  document.addEventListener(EVENTS.afterRequest, () => {
    open = Math.max(0, open - 1);
    if (open > 0) return;
    window.clearTimeout(timer);
    bar.hidden = true;
  });
}
