import { EVENTS } from "./events";

// Frames wider than the window: tables get a scroll of their own only while they need one (a scrolling frame would take
// the sticky heading along), and a shade at the edge tells that there is more.
const FRAMES = ".table-frame, .tabs";

function look(frame: HTMLElement): void {
  const inner = frame.querySelector<HTMLElement>(":scope > table");
  if (inner) frame.classList.toggle("is-over", inner.scrollWidth > frame.clientWidth + 1);
  const start = Math.abs(frame.scrollLeft);
  const more = frame.scrollWidth - frame.clientWidth - start > 1;
  frame.dataset.more = [start > 1 ? "before" : "", more ? "after" : ""].join(" ").trim();
}

const watch = new ResizeObserver((entries) => {
  for (const entry of entries) look(entry.target as HTMLElement);
});

function begin(root: ParentNode): void {
  for (const frame of root.querySelectorAll<HTMLElement>(FRAMES)) {
    if (frame.dataset.more !== undefined) continue;
    look(frame);
    watch.observe(frame);
    frame.addEventListener("scroll", () => look(frame), { passive: true });
    const current = frame.querySelector<HTMLElement>(":scope > li > [aria-current]");
    if (current && current.offsetLeft + current.offsetWidth > frame.clientWidth)
      frame.scrollLeft = current.offsetLeft - (frame.clientWidth - current.offsetWidth) / 2;
  }
}

export function startFrames(): void {
  begin(document);
  document.addEventListener(EVENTS.loaded, (event) => begin((event.target as HTMLElement).parentElement ?? document));
}
