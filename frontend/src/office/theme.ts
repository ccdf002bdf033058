// Light, dark or the device's own. The cookie lets the server draw the right colours at the first byte.
import { announce } from "./announce";
import { EVENTS } from "./events";
import { text } from "./strings";

const CHOICES = ["auto", "light", "dark"] as const;
type Choice = (typeof CHOICES)[number];
const YEAR_SECONDS = 31_536_000;

function current(): Choice {
  const value = document.documentElement.dataset.bsTheme;
  return value === "light" || value === "dark" ? value : "auto";
}

function show(choice: Choice, button: HTMLElement): void {
  button.dataset.theme = choice;
  const label = `${button.dataset.label ?? ""}: ${text(`theme_${choice}`)}`;
  button.setAttribute("aria-label", label);
  button.title = label;
}

function choose(choice: Choice, button: HTMLElement): void {
  if (choice === "auto") delete document.documentElement.dataset.bsTheme;
  else document.documentElement.dataset.bsTheme = choice;
  document.cookie = `mains_theme=${choice}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
  show(choice, button);
  announce(text(`theme_${choice}`));
  document.dispatchEvent(new CustomEvent(EVENTS.theme));
}

export function startTheme(): void {
  const changed = () => document.dispatchEvent(new CustomEvent(EVENTS.theme));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
  const button = document.getElementById("theme-button");
  if (!button) return;
  show(current(), button);
  button.addEventListener("click", () => {
    const next = CHOICES[(CHOICES.indexOf(current()) + 1) % CHOICES.length] ?? "auto";
    choose(next, button);
  });
}
