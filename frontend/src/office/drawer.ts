// On narrow screens the sidebar is a drawer: the page behind it is inert while it is open.
export function startDrawer(): void {
  const button = document.getElementById("drawer-button");
  const sidebar = document.getElementById("sidebar");
  const page = document.getElementById("page");
  const backdrop = document.getElementById("drawer-backdrop");
  if (!button || !sidebar || !page || !backdrop) return;

  const set = (open: boolean) => {
    document.documentElement.toggleAttribute("data-drawer", open);
    button.setAttribute("aria-expanded", String(open));
    page.inert = open;
    backdrop.hidden = !open;
    if (open) sidebar.querySelector<HTMLElement>("a, button")?.focus();
    else button.focus();
  };
  button.addEventListener("click", () => set(true));
  backdrop.addEventListener("click", () => set(false));
  document.getElementById("drawer-close")?.addEventListener("click", () => set(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.documentElement.hasAttribute("data-drawer")) set(false);
  });
  window.matchMedia("(min-width: 992px)").addEventListener("change", (query) => {
    if (query.matches && document.documentElement.hasAttribute("data-drawer")) set(false);
  });
}
