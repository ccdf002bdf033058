// Charts, maps and the editor of tariffs are loaded when one of them comes near the screen.
import { EVENTS } from "./events";
import { text } from "./strings";

const LOADERS: Record<string, () => Promise<{ draw: (frame: HTMLElement) => void | Promise<void> }>> = {
  chart: () => import("../charts"),
  map: () => import("../map"),
  draft: () => import("../draft"),
  facts: () => import("../facts"),
};

function data(frame: HTMLElement): string {
  return frame.dataset.island ?? "";
}

async function start(frame: HTMLElement): Promise<void> {
  try {
    const island = await LOADERS[data(frame)]?.();
    await island?.draw(frame);
    frame.dataset.state = "ready";
  } catch (problem) {
    console.warn(problem);
    frame.dataset.state = "failed";
    frame.querySelector("[data-canvas]")?.replaceChildren(text("picture_failed"));
    frame.closest("[data-views]")?.querySelector<HTMLElement>("[data-view-button=table]")?.click();
  }
}

export function startIslands(): void {
  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting) continue;
        near.unobserve(entry.target);
        void start(entry.target as HTMLElement);
      }
    },
    { rootMargin: "200px" },
  );
  const watch = () => {
    for (const frame of document.querySelectorAll<HTMLElement>("[data-island]:not([data-state])")) {
      frame.dataset.state = "waiting";
      near.observe(frame);
    }
  };
  watch();
  document.addEventListener(EVENTS.loaded, watch);
}
