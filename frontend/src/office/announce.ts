import { EVENTS } from "./events";

/** Says a message through the polite live region; the short pause lets readers notice an equal text twice. */
export function announce(message: string): void {
  const region = document.getElementById("announcer");
  if (!region || !message) return;
  region.textContent = "";
  window.setTimeout(() => (region.textContent = message), 60);
}

export function startAnnouncements(): void {
  document.addEventListener(EVENTS.announce, (event) => {
    const detail = (event as CustomEvent<{ value?: string }>).detail;
    if (detail.value) announce(detail.value);
  });
}
