// Two views of one thing (picture and table): a pair of buttons with aria-pressed in a [data-views] frame.
export function startViewSwitches(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-view-button]");
    const frame = button?.closest<HTMLElement>("[data-views]");
    if (!button || !frame) return;
    const wanted = button.dataset.viewButton;
    for (const other of frame.querySelectorAll<HTMLElement>("[data-view-button]"))
      other.setAttribute("aria-pressed", String(other.dataset.viewButton === wanted));
    for (const view of frame.querySelectorAll<HTMLElement>("[data-view]")) view.hidden = view.dataset.view !== wanted;
  });
  document.addEventListener("click", (event) => {
    if ((event.target as HTMLElement).closest("[data-print]")) window.print();
    if ((event.target as HTMLElement).closest("[data-reload]")) window.location.reload();
  });
}
