// Good news leaves by itself, slowly and not under the pointer; a problem stays until it is closed.
import { announce } from "./announce";
import { EVENTS } from "./events";
import { text } from "./strings";

const STAY_MS = 8000;

function arm(toast: HTMLElement): void {
  if (toast.dataset.armed) return;
  toast.dataset.armed = "1";
  toast.querySelector("[data-close]")?.addEventListener("click", () => toast.remove());
  if (!toast.hasAttribute("data-passing")) return;
  let timer = window.setTimeout(() => toast.remove(), STAY_MS);
  const hold = () => window.clearTimeout(timer);
  const resume = () => (timer = window.setTimeout(() => toast.remove(), STAY_MS));
  toast.addEventListener("pointerenter", hold);
  toast.addEventListener("focusin", hold);
  toast.addEventListener("pointerleave", resume);
  toast.addEventListener("focusout", resume);
}

export function showProblem(message: string): void {
  const template = document.querySelector<HTMLTemplateElement>("#toast-template");
  const toast = template?.content.firstElementChild?.cloneNode(true) as HTMLElement | undefined;
  if (!toast) return;
  toast.querySelector("[data-text]")?.replaceChildren(message);
  document.getElementById("toasts")?.append(toast);
  arm(toast);
}

export function startToasts(): void {
  const armAll = () => document.querySelectorAll<HTMLElement>("#toasts .toast-note").forEach(arm);
  armAll();
  const shown = [...document.querySelectorAll("#toasts [data-text]")].map((note) => note.textContent?.trim() ?? "");
  announce(shown.join(". "));
  document.addEventListener(EVENTS.loaded, armAll);
  document.addEventListener(EVENTS.sendError, () => showProblem(text("network_error")));
  document.addEventListener(EVENTS.timeout, () => showProblem(text("network_error")));
}
