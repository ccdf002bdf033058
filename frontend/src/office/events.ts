// Every event name that crosses a module border, so that a change of htmx touches one file.
export const EVENTS = {
  /** A search text is complete: fired on the search form, never while an input method composes. */
  search: "mains:search",
  /** Server or page asks for a spoken message: detail is { value: string } (HX-Trigger sends it so). */
  announce: "mains:announce",
  /** The colours changed: pictures draw themselves again. */
  theme: "mains:theme",
  /** Something was typed into a form that is checked while typing; never while an input method composes. */
  edited: "mains:edited",
  configRequest: "htmx:configRequest",
  beforeRequest: "htmx:beforeRequest",
  afterRequest: "htmx:afterRequest",
  beforeSwap: "htmx:beforeSwap",
  afterSettle: "htmx:afterSettle",
  loaded: "htmx:load",
  sendError: "htmx:sendError",
  timeout: "htmx:timeout",
} as const;
