// The cashier's counter: keys, sums while typing, codes of several lines from a scanner, the receipt printed at once.
// The server decides what Enter means; without this script everything still works, with more typing.
import { EVENTS } from "./events";

const LINE_END = "\u2424";
const SCANNED_MS = 120;
const PRINT_KEY = "mains.desk.print";

function form(): HTMLFormElement | null {
  return document.querySelector<HTMLFormElement>("form[data-desk]");
}

/** Minor units of an amount as people type it, as the server reads it; null when it is none. */
export function minorOf(typed: string): bigint | null {
  const found = /^([0-9]+)(?:[.,]([0-9]{1,2}))?$/.exec(typed.replace(/[\s'\u2019]/g, ""));
  return found ? BigInt(found[1] ?? "0") * 100n + BigInt((found[2] ?? "").padEnd(2, "0")) : null;
}

function money(minor: bigint, currency: string): string {
  const units = `${minor / 100n}.${String(minor % 100n).padStart(2, "0")}` as `${number}`;
  const options = { style: "currency", currency, currencyDisplay: "narrowSymbol", minimumFractionDigits: 2 } as const;
  return new Intl.NumberFormat(document.documentElement.lang, options).format(units);
}

function meansOf(desk: HTMLFormElement): string {
  return desk.querySelector<HTMLInputElement>("input[name=means]:checked")?.value ?? "cash";
}

function showMeans(desk: HTMLFormElement): void {
  for (const part of desk.querySelectorAll<HTMLElement>("[data-of]")) part.hidden = part.dataset.of !== meansOf(desk);
}

function showSums(desk: HTMLFormElement): void {
  const currency = desk.dataset.currency ?? "";
  let total = 0n;
  for (const amount of desk.querySelectorAll<HTMLInputElement>("[data-amount]")) total += minorOf(amount.value) ?? 0n;
  desk.querySelector("[data-total-shown]")?.replaceChildren(money(total, currency));
  const typed = desk.querySelector<HTMLInputElement>("#desk-tendered")?.value.trim() ?? "";
  const given = typed === "=" ? total : minorOf(typed);
  const change = given !== null && given >= total && typed !== "" ? money(given - total, currency) : "\u2013";
  desk.querySelector("[data-change-shown]")?.replaceChildren(change);
}

function sent(desk: HTMLFormElement, action: string): void {
  desk.requestSubmit(desk.querySelector<HTMLButtonElement>(`button[name=do][value=${action}]`));
}

function onKey(event: KeyboardEvent): void {
  const desk = form();
  if (!desk || event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
  const field = (id: string) => desk.querySelector<HTMLInputElement>(id);
  if (event.key === "F2") field("#desk-search")?.select();
  else if (event.key === "F4") {
    const given = field("#desk-tendered");
    if (given) given.value = "=";
    given?.focus();
    showSums(desk);
  } else if (event.key === "F8") {
    const other = meansOf(desk) === "cash" ? "card" : "cash";
    const choice = field(`input[name=means][value=${other}]`);
    if (choice) choice.checked = true;
    showMeans(desk);
    field(other === "cash" ? "#desk-tendered" : "#desk-slip")?.focus();
  } else if (event.key === "F9") sent(desk, "take");
  else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!walk(desk, event.key === "ArrowDown" ? 1 : -1)) return;
  } else return;
  if (event.key === "F2") field("#desk-search")?.focus();
  event.preventDefault();
}

/** Up and down between the accounts that were found. */
function walk(desk: HTMLFormElement, step: number): boolean {
  const hits = [...desk.querySelectorAll<HTMLElement>(".desk-hit")];
  const place = hits.indexOf(document.activeElement as HTMLElement);
  if (place < 0) return false;
  hits[(place + step + hits.length) % hits.length]?.focus();
  return true;
}

let pause = 0;
/** A scanner ends each line of a code with Enter: the code is whole when nothing follows for a moment. */
function onEnter(event: KeyboardEvent): void {
  const search = event.target as HTMLInputElement;
  if (event.key !== "Enter" || (search.id !== "desk-search" && search.id !== "desk-tendered")) return;
  if (!/^(BCD|PAY1)/.test(search.value)) return;
  event.preventDefault();
  search.value += LINE_END;
  window.clearTimeout(pause);
  pause = window.setTimeout(() => {
    const desk = form();
    if (desk) sent(desk, "enter");
  }, SCANNED_MS);
}

function showCounted(count: HTMLElement): void {
  let total = 0n;
  for (const field of count.querySelectorAll<HTMLInputElement>("[data-minor]")) {
    if (/^[0-9]+$/.test(field.value.trim())) total += BigInt(field.dataset.minor ?? "0") * BigInt(field.value.trim());
  }
  count.querySelector("[data-counted]")?.replaceChildren(money(total, count.dataset.currency ?? ""));
}

function startCount(): void {
  for (const count of document.querySelectorAll<HTMLElement>("[data-count]")) {
    showCounted(count);
    count.addEventListener("input", () => showCounted(count));
    const fields = [...count.querySelectorAll<HTMLInputElement>("[data-minor]")];
    // Enter goes to the next note, as on a calculator; the form is sent by its button.
    count.addEventListener("keydown", (event) => {
      const place = fields.indexOf(event.target as HTMLInputElement);
      const step = event.key === "Enter" || event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      const next = fields[place + step];
      if (place < 0 || step === 0 || (!next && event.key !== "Enter")) return;
      event.preventDefault();
      if (next) next.select();
      else count.closest("form")?.querySelector<HTMLElement>(".field input")?.focus();
    });
  }
}

/** Print the slip and nothing else of the page; with kiosk printing the browser asks nothing. */
async function print(paper: HTMLImageElement): Promise<void> {
  await paper.decode();
  document.body.classList.add("prints-slip");
  window.addEventListener("afterprint", () => document.body.classList.remove("prints-slip"), { once: true });
  window.print();
  form()?.querySelector<HTMLElement>("[data-focus]")?.focus();
}

function startDone(): void {
  const done = document.querySelector<HTMLElement>("[data-desk-done]");
  const paper = done?.querySelector<HTMLImageElement>("[data-slip-paper]");
  if (!done || !paper) return;
  const again = done.querySelector<HTMLButtonElement>("[data-print-slip]");
  const box = done.querySelector<HTMLInputElement>("[data-print-at-once]");
  if (again) again.hidden = false;
  again?.addEventListener("click", () => void print(paper));
  const choice = done.querySelector<HTMLElement>("[data-print-choice]");
  if (choice) choice.hidden = false;
  const atOnce = localStorage.getItem(PRINT_KEY) !== "0";
  if (box) box.checked = atOnce;
  box?.addEventListener("change", () => localStorage.setItem(PRINT_KEY, box.checked ? "1" : "0"));
  if (atOnce) void print(paper);
  // A page that is loaded again prints nothing anew.
  const shown = new URL(window.location.href);
  shown.searchParams.delete("done");
  window.history.replaceState(null, "", shown);
}

export function startDesk(): void {
  startCount();
  if (!form()) return;
  document.addEventListener("keydown", onEnter, true);
  document.addEventListener("keydown", onKey);
  document.addEventListener("input", (event) => {
    const desk = (event.target as HTMLElement).closest<HTMLFormElement>("form[data-desk]");
    if (!desk) return;
    showMeans(desk);
    showSums(desk);
  });
  const settle = () => {
    const desk = form();
    if (!desk) return;
    showMeans(desk);
    showSums(desk);
    // Focus goes where the next key belongs, also when a field of the same name had it; once, for a quick cashier is
    // elsewhere before the last part of the page has settled.
    const next = desk.querySelector<HTMLElement>("[data-focus]");
    next?.focus();
    next?.removeAttribute("data-focus");
  };
  settle();
  document.addEventListener(EVENTS.afterSettle, settle);
  startDone();
}
