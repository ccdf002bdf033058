// One event for "something was typed": forms that are checked while typing listen to it.
import { EVENTS } from "./office/events";

export function tellEdited(form: HTMLElement): void {
  form.dispatchEvent(new CustomEvent(EVENTS.edited, { bubbles: true }));
}

/** Fires `edited` on the form; `isMeant` leaves out inputs that are no part of what is checked. */
export function watchTyping(form: HTMLElement, isMeant: (input: HTMLElement) => boolean = () => true): void {
  const tell = (event: Event) => {
    if ((event as InputEvent).isComposing || !isMeant(event.target as HTMLElement)) return;
    tellEdited(form);
  };
  form.addEventListener("input", tell);
  form.addEventListener("change", tell);
  form.addEventListener("compositionend", tell);
}
