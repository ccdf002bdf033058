// Single keys act only outside fields and can be switched off (WCAG 2.2, 2.1.4).
import { announce } from "./announce";
import { text } from "./strings";

const OFF_KEY = "mains.shortcuts.off";
const SEQUENCE_MS = 1200;

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest("input, textarea, select, [contenteditable=true], [role=textbox]");
}

function dialog(): HTMLDialogElement | null {
  return document.querySelector<HTMLDialogElement>("dialog#shortcuts");
}

function go(key: string): boolean {
  const link = document.querySelector<HTMLAnchorElement>(`a[data-go="${CSS.escape(key)}"]`);
  link?.click();
  return link !== null;
}

function toggleHelp(): void {
  const help = dialog();
  if (!help) return;
  if (help.open) help.close();
  else help.showModal();
}

export function startShortcuts(): void {
  let off = localStorage.getItem(OFF_KEY) === "1";
  let waiting = 0;
  const box = document.querySelector<HTMLInputElement>("#shortcuts-switch");
  if (box) {
    box.checked = !off;
    box.addEventListener("change", () => {
      off = !box.checked;
      localStorage.setItem(OFF_KEY, off ? "1" : "0");
      announce(text(off ? "shortcuts_off" : "shortcuts_on"));
    });
  }
  for (const button of document.querySelectorAll("[data-open-shortcuts]")) button.addEventListener("click", toggleHelp);
  const help = dialog();
  help?.addEventListener("click", (event) => {
    if (event.target === help) help.close();
  });

  document.addEventListener("keydown", (event) => {
    if (off || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return;
    const second = event.timeStamp - waiting < SEQUENCE_MS;
    waiting = 0;
    if (second && go(event.key.toLowerCase())) event.preventDefault();
    else if (event.key === "g") waiting = event.timeStamp;
    else if (event.key === "?") toggleHelp();
    else if (event.key === "/") {
      const input = document.querySelector<HTMLInputElement>("#search-input");
      if (!input) return;
      event.preventDefault();
      input.focus();
      input.select();
    }
  });
}
