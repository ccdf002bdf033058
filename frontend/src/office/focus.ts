// After a swap the focus must never fall to the body: a keyboard user would start again at the top of the page.
import { announce } from "./announce";
import { EVENTS } from "./events";
import { text } from "./strings";

function isLost(): boolean {
  const active = document.activeElement;
  return !active || active === document.body || active === document.documentElement;
}

function receiver(target: HTMLElement): HTMLElement {
  const wished = target.querySelector<HTMLElement>("[autofocus], [aria-invalid=true], [data-focus]");
  if (wished) return wished;
  const heading = target.querySelector<HTMLElement>("h1, h2, h3");
  const place = heading ?? target;
  if (!place.hasAttribute("tabindex")) place.setAttribute("tabindex", "-1");
  return place;
}

function spoken(target: HTMLElement): string {
  const own = target.dataset.announce ?? target.querySelector<HTMLElement>("[data-announce]")?.dataset.announce;
  return own ?? text("updated");
}

export function startFocusCare(): void {
  let requester: string | undefined;
  document.addEventListener(EVENTS.beforeRequest, (event) => {
    requester = (event.target as HTMLElement).id || undefined;
  });
  document.addEventListener(EVENTS.afterSettle, (event) => {
    const swapped = (event as CustomEvent<{ elt?: HTMLElement }>).detail.elt ?? (event.target as HTMLElement);
    const target = swapped.isConnected ? swapped : document.getElementById("main");
    if (!target || target.hasAttribute("data-quiet")) return;
    announce(spoken(target));
    if (!isLost()) return;
    const same = requester ? document.getElementById(requester) : null;
    (same ?? receiver(target)).focus({ preventScroll: target.id !== "main" });
    if (isLost()) document.getElementById("main")?.focus();
  });
}
