// Formula trees are nested <details>. Arrow keys walk them as in a file tree; buttons open or close all.
function summaries(tree: Element): HTMLElement[] {
  return [...tree.querySelectorAll<HTMLElement>("summary, .formula-leaf")].filter((row) => row.checkVisibility());
}

function move(tree: Element, from: HTMLElement, step: number): void {
  const rows = summaries(tree);
  rows[rows.indexOf(from) + step]?.focus();
}

function sideways(row: HTMLElement, open: boolean): void {
  const details = row.closest("details");
  const isBranch = row.tagName === "SUMMARY";
  if (isBranch && details && details.open !== open) details.open = open;
  else if (open && isBranch) details?.querySelector<HTMLElement>(":scope > ul summary, :scope > ul .formula-leaf")?.focus();
  else if (!open) {
    const parent = isBranch ? details?.parentElement?.closest("details") : details;
    parent?.querySelector<HTMLElement>(":scope > summary")?.focus();
  }
}

export function startTrees(): void {
  document.addEventListener("keydown", (event) => {
    const row = (event.target as HTMLElement).closest<HTMLElement>(".formula-tree summary, .formula-tree .formula-leaf");
    const tree = row?.closest(".formula-tree");
    if (!row || !tree || event.target !== row) return;
    const forward = document.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = document.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    if (event.key === "ArrowDown") move(tree, row, 1);
    else if (event.key === "ArrowUp") move(tree, row, -1);
    else if (event.key === forward) sideways(row, true);
    else if (event.key === back) sideways(row, false);
    else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-tree-all]");
    if (!button) return;
    const open = button.dataset.treeAll === "open";
    const branches = button.closest(".formula-tree")?.querySelectorAll("details") ?? [];
    for (const details of branches) details.open = open;
  });
}
