// The one box: a combobox over a list that the server renders (ARIA 1.2 pattern "list autocomplete").
import { announce } from "./announce";
import { EVENTS } from "./events";
import { text } from "./strings";

const PAUSE_MS = 140;

class SearchBox {
  private timer = 0;
  private asked = "";
  private active = -1;
  /** Where the marked option leads: an answer that comes later marks it again. */
  private chosen: string | null = null;
  /** Escape was pressed since the last question: an answer on its way stays out of sight. */
  private dismissed = false;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly input: HTMLInputElement,
    private readonly list: HTMLElement,
  ) {
    input.addEventListener("input", (event) => {
      if (!(event as InputEvent).isComposing) this.schedule();
    });
    input.addEventListener("compositionend", () => this.schedule());
    input.addEventListener("focus", () => this.show(this.options().length > 0));
    input.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("mousedown", (event) => event.preventDefault());
    document.addEventListener("click", (event) => {
      if (!form.contains(event.target as Node)) this.show(false);
    });
    form.addEventListener("focusout", (event) => {
      if (!form.contains(event.relatedTarget as Node | null)) this.show(false);
    });
    list.addEventListener(EVENTS.afterSettle, () => this.arrived());
  }

  private options(): HTMLElement[] {
    return [...this.list.querySelectorAll<HTMLElement>("[role=option]")];
  }

  private schedule(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.ask(), PAUSE_MS);
  }

  private ask(): void {
    const words = this.input.value.trim();
    if (words === this.asked) return;
    this.asked = words;
    this.dismissed = false;
    if (words === "") {
      this.list.replaceChildren();
      this.show(false);
      return;
    }
    this.form.dispatchEvent(new CustomEvent(EVENTS.search));
  }

  private arrived(): void {
    if (this.dismissed) return;
    const again = this.options().findIndex((option) => option.getAttribute("href") === this.chosen);
    this.mark(this.chosen === null ? -1 : again);
    this.show(document.activeElement === this.input && this.list.childElementCount > 0);
    const count = this.options().length;
    announce(count === 0 ? text("search_none") : text("search_some", { count: String(count) }));
  }

  private show(open: boolean): void {
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    if (!open) this.mark(-1);
  }

  private mark(index: number): void {
    const options = this.options();
    this.active = index;
    options.forEach((option, place) => {
      option.id ||= `search-option-${place}`;
      option.setAttribute("aria-selected", String(place === index));
    });
    const chosen = options[index];
    this.chosen = chosen?.getAttribute("href") ?? null;
    if (chosen) {
      this.input.setAttribute("aria-activedescendant", chosen.id);
      chosen.scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
  }

  private key(event: KeyboardEvent): void {
    // Enter and arrows belong to the input method while it composes (229 is what old ones report).
    if (event.isComposing || event.keyCode === 229) return;
    const count = this.options().length;
    if (event.key === "Escape") {
      if (this.list.hidden) this.input.value = this.asked = "";
      window.clearTimeout(this.timer);
      this.dismissed = true;
      this.show(false);
      event.stopPropagation();
    } else if (count > 0 && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      this.show(true);
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.mark(this.active < 0 && step < 0 ? count - 1 : (this.active + step + count) % count);
    } else if (event.key === "Enter" && this.active >= 0) {
      event.preventDefault();
      this.options()[this.active]?.click();
    }
  }
}

export function startSearch(): void {
  const form = document.getElementById("search-form");
  const input = document.getElementById("search-input");
  const list = document.getElementById("search-results");
  if (form instanceof HTMLFormElement && input instanceof HTMLInputElement && list) new SearchBox(form, input, list);
}
