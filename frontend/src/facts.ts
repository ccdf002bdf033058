// A form of facts asks anew after each change, but never while an input method composes.
import { watchTyping } from "./typing";

export function draw(frame: HTMLElement): void {
  watchTyping(frame);
}
