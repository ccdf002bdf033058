// A draft of a tariff under work, as form or as text: checked by the server while typing, saved on command only.
// What is not saved is kept in the browser, so that the end of a session or a closed window loses nothing.
import { EVENTS } from "./office/events";
import htmx from "./office/htmx";
import { text } from "./office/strings";
import { showProblem } from "./office/toasts";
import type { DocumentEditor } from "./editor";
import { tellEdited, watchTyping } from "./typing";

interface Kept {
  revision: string;
  at: string;
  entries: [string, string][];
}

const SMALL_INPUTS = /^(new_\w+|version|do)$/;

function keyOf(form: HTMLFormElement): string {
  return `mains:draft:${form.dataset.draft ?? ""}`;
}

function entriesOf(form: HTMLFormElement): [string, string][] {
  return [...new FormData(form)].filter(
    (entry): entry is [string, string] => typeof entry[1] === "string" && entry[0] !== "csrfmiddlewaretoken",
  );
}

function documentOf(form: HTMLFormElement): HTMLTextAreaElement {
  return form.querySelector<HTMLTextAreaElement>("textarea[name=document]")!;
}

function read(form: HTMLFormElement): Kept | undefined {
  try {
    return JSON.parse(localStorage.getItem(keyOf(form)) ?? "") as Kept;
  } catch {
    return undefined;
  }
}

function keep(form: HTMLFormElement): void {
  const kept: Kept = { revision: form.dataset.revision ?? "", at: new Date().toISOString(), entries: entriesOf(form) };
  try {
    localStorage.setItem(keyOf(form), JSON.stringify(kept));
  } catch {
    // A full or forbidden store costs the copy, not the work.
  }
}

function setDirty(form: HTMLFormElement, isDirty: boolean): void {
  form.toggleAttribute("data-changed", isDirty);
  form.querySelector<HTMLElement>("[data-dirty]")?.toggleAttribute("hidden", !isDirty);
}

/** The document that some entries make: the server puts the fields into the text. */
async function documentFrom(form: HTMLFormElement, entries: [string, string][]): Promise<string> {
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
  const answer = await fetch(form.dataset.checkUrl ?? "", {
    method: "POST",
    headers: { "X-CSRFToken": token },
    body: new URLSearchParams(entries),
  });
  const part = new DOMParser().parseFromString(await answer.text(), "text/html");
  const checked = part.querySelector<HTMLTextAreaElement>("textarea[data-checked]");
  if (!answer.ok || !checked) throw new Error(`The kept text was not read: ${answer.status}`);
  return checked.value;
}

function offerKept(form: HTMLFormElement, editor: DocumentEditor | undefined): void {
  const kept = read(form);
  const offer = form.querySelector<HTMLElement>("[data-unsaved]");
  if (!kept || !offer || form.hasAttribute("data-changed")) return;
  offer.hidden = false;
  const at = offer.querySelector<HTMLTimeElement>("time");
  if (at) {
    at.dateTime = kept.at;
    at.textContent = new Date(kept.at).toLocaleString(document.documentElement.lang);
  }
  offer.querySelector("[data-discard]")?.addEventListener("click", () => {
    localStorage.removeItem(keyOf(form));
    offer.hidden = true;
  });
  offer.querySelector("[data-restore]")?.addEventListener("click", () => {
    documentFrom(form, kept.entries)
      .then((restored) => {
        offer.hidden = true;
        documentOf(form).value = restored;
        if (editor) {
          editor.replace(restored);
          editor.goTo(1);
          return;
        }
        // The fields of the form stand for the text that was saved: show the kept one instead.
        const values = { document: restored, revision: form.dataset.revision ?? "", view: "form" };
        void htmx.ajax("post", form.dataset.formUrl ?? "", { target: form, swap: "outerHTML", values });
      })
      .catch((problem: unknown) => {
        console.warn(problem);
        showProblem(text("draft_not_restored"));
      });
  });
}

function markFaults(form: HTMLFormElement, editor: DocumentEditor | undefined): void {
  const links = [...form.querySelectorAll<HTMLAnchorElement>("#faults a[data-line]")];
  const named = new Set(links.map((link) => link.dataset.field));
  for (const input of form.querySelectorAll<HTMLInputElement>("input[id], select[id]")) {
    if (named.has(input.id)) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  editor?.mark(
    links
      .filter((link) => Number(link.dataset.line) > 0)
      .map((link) => ({
        line: Number(link.dataset.line),
        message: link.parentElement?.querySelector("[data-message]")?.textContent ?? "",
      })),
  );
  for (const link of links) {
    link.addEventListener("click", (event) => {
      const field = fieldOf(form, link.dataset.field ?? "");
      if (!editor && !field) return;
      event.preventDefault();
      if (editor) editor.goTo(Number(link.dataset.line) || 1);
      else field?.focus();
    });
  }
}

/** The field of a fault, or of the nearest place above it that has one. */
function fieldOf(form: HTMLFormElement, id: string): HTMLElement | null {
  const steps = id.split("-");
  while (steps.length > 1) {
    const name = steps.join("-");
    const found = form.querySelector<HTMLElement>(`[id="${name}"], [id^="${name}-"]`);
    if (found) return found;
    steps.pop();
  }
  return null;
}

export async function draw(frame: HTMLElement): Promise<void> {
  const form = frame as HTMLFormElement;
  const area = form.querySelector<HTMLTextAreaElement>("[data-document-editor]");
  const onEdit = () => tellEdited(form);
  const editor = area ? (await import("./editor")).startEditor(area, { onEdit, onSave: () => form.requestSubmit() }) : undefined;
  const kept = read(form);
  // What was sent with the last save has arrived: the page shows a later revision.
  if (kept && (kept.revision !== form.dataset.revision || editor?.isSame(kept.entries)) && sessionStorage.getItem(keyOf(form)) === kept.revision) {
    localStorage.removeItem(keyOf(form));
  }
  sessionStorage.removeItem(keyOf(form));
  offerKept(form, editor);
  markFaults(form, editor);
  if (form.hasAttribute("data-changed")) keep(form);
  watchTyping(form, (input) => !area?.contains(input) && !input.closest(".cm-editor") && !SMALL_INPUTS.test((input as HTMLInputElement).name ?? ""));
  form.addEventListener(EVENTS.edited, () => {
    setDirty(form, true);
    keep(form);
  });
  form.querySelector("#faults")?.addEventListener(EVENTS.afterSettle, () => markFaults(form, editor));
  form.addEventListener("submit", () => {
    sessionStorage.setItem(keyOf(form), form.dataset.revision ?? "");
    keep(form);
    setDirty(form, false);
  });
}

addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "s" || event.defaultPrevented) return;
  const form = document.querySelector<HTMLFormElement>("form[data-draft]");
  if (!form?.querySelector("button[type=submit]")) return;
  event.preventDefault();
  form.requestSubmit();
});

addEventListener("beforeunload", (event) => {
  if (document.querySelector("form[data-draft][data-changed]")) event.preventDefault();
});
