// htmx reads its strict settings from <meta name="htmx-config"> of base.html; here are the two things a setting cannot say.
import htmx from "htmx.org";
import { EVENTS } from "./events";
import { text } from "./strings";
import { showProblem } from "./toasts";

interface Configured {
  verb: string;
  headers: Record<string, string>;
}
interface Swap {
  xhr: XMLHttpRequest;
  shouldSwap: boolean;
}

function isWholePage(xhr: XMLHttpRequest): boolean {
  return /^\s*<!doctype html/i.test(xhr.responseText);
}

// Inheritance is off, so the token cannot sit on <body>.
document.addEventListener(EVENTS.configRequest, (event) => {
  const detail = (event as CustomEvent<Configured>).detail;
  const token = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  if (token && detail.verb !== "get") detail.headers["X-CSRFToken"] = token;
});

// A whole page never belongs inside a part of one: an error becomes a message, a redirect is followed, and the sign-in page
// (the session ended) is reached by way of the page the person is on, so that they come back to it.
document.addEventListener(EVENTS.beforeSwap, (event) => {
  const detail = (event as CustomEvent<Swap>).detail;
  const status = detail.xhr.status;
  if (!isWholePage(detail.xhr) && !(status >= 500)) return;
  detail.shouldSwap = false;
  if (status >= 400) showProblem(text(status === 403 ? "not_allowed" : "server_error"));
  else if (/<body class="bare"/.test(detail.xhr.responseText)) window.location.reload();
  else window.location.assign(detail.xhr.responseURL || window.location.href);
});

export default htmx;
