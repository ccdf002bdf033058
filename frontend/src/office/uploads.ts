// Files dropped or chosen go one by one, each with its progress; the page shows them when all are kept. Without this
// script the same form sends them together.
import { announce } from "./announce";
import { showProblem } from "./toasts";
import { text } from "./strings";

interface Answer {
  texts?: string[];
}

function rowOf(list: HTMLElement, name: string): { bar: HTMLProgressElement; note: HTMLElement } {
  const row = document.createElement("li");
  const label = document.createElement("span");
  label.className = "drop-name";
  label.textContent = name;
  const bar = document.createElement("progress");
  bar.max = 100;
  bar.value = 0;
  bar.setAttribute("aria-label", name);
  const note = document.createElement("span");
  note.className = "less";
  row.append(label, bar, note);
  list.append(row);
  return { bar, note };
}

function answerOf(request: XMLHttpRequest): string {
  if (request.status === 403) return text("not_allowed");
  try {
    return ((JSON.parse(request.responseText) as Answer).texts ?? []).join(" ") || text("server_error");
  } catch {
    return text("server_error");
  }
}

/** Sends one file with the form's other fields; whether it was kept. */
function send(form: HTMLFormElement, list: HTMLElement, file: File): Promise<boolean> {
  const { bar, note } = rowOf(list, file.name);
  const max = Number(form.dataset.bytesMax);
  const say = (words: string, isKept: boolean) => {
    bar.hidden = true;
    note.textContent = words;
    note.classList.toggle("is-bad", !isKept);
    return isKept;
  };
  if (file.size > max)
    return Promise.resolve(say(text("upload_too_large", { size: String(Math.floor(max / 2 ** 20)) }), false));
  const told = new FormData(form);
  told.delete("files");
  told.append("files", file, file.name);
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = (event.loaded / event.total) * 100;
    });
    request.addEventListener("error", () => done(say(text("network_error"), false)));
    request.addEventListener("load", () => done(say(answerOf(request), request.status === 200)));
    request.send(told);
  });
}

async function sendAll(form: HTMLFormElement, files: File[]): Promise<void> {
  const list = form.querySelector<HTMLElement>("[data-files]");
  if (!list || form.dataset.busy) return;
  form.dataset.busy = "1";
  let kept = 0;
  for (const file of files) if (await send(form, list, file)) kept += 1;
  delete form.dataset.busy;
  announce([...list.querySelectorAll(".less")].map((note) => note.textContent ?? "").join(" "));
  if (kept === files.length) window.location.reload();
  else showProblem(text("upload_some", { kept: String(kept), count: String(files.length) }));
}

function begin(form: HTMLFormElement): void {
  const place = form.querySelector<HTMLElement>("[data-drop]");
  if (!place) return;
  const inputs = [...form.querySelectorAll<HTMLInputElement>("input[type=file]")];
  form.addEventListener("submit", (event) => {
    const files = inputs.flatMap((input) => [...(input.files ?? [])]);
    if (files.length === 0) return;
    event.preventDefault();
    for (const input of inputs) input.value = "";
    void sendAll(form, files);
  });
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.files?.length && form.reportValidity()) form.requestSubmit();
    });
  }
  place.addEventListener("dragover", (event) => {
    event.preventDefault();
    place.classList.add("is-over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("is-over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("is-over");
    const files = [...(event.dataTransfer?.files ?? [])];
    if (files.length && form.reportValidity()) void sendAll(form, files);
  });
}

export function startUploads(): void {
  for (const form of document.querySelectorAll<HTMLFormElement>("form[data-uploads]")) begin(form);
}
