// Builds one SVG sprite out of the icons that the pages use, so that the first load carries no icon font.
import { readFileSync } from "node:fs";
import type { Plugin } from "vite";

const SOURCE = "src/icons.svg";

function symbol(name: string): string {
  const file = new URL(`../node_modules/@tabler/icons/icons/outline/${name}.svg`, import.meta.url);
  const shapes = readFileSync(file, "utf8")
    .replace(/<!--.*?-->/gs, "")
    .replace(/^[\s\S]*?<svg[\s\S]*?>/, "")
    .replace(/<\/svg>\s*$/, "")
    .replace(/<path stroke="none"[^>]*\/>/g, "")
    .replace(/\s*\n\s*/g, "");
  return `<symbol id="${name}" viewBox="0 0 24 24">${shapes}</symbol>`;
}

export function iconSprite(): Plugin {
  return {
    name: "mains-icon-sprite",
    apply: "build",
    generateBundle() {
      const list = new URL("./icons.json", import.meta.url);
      const names = JSON.parse(readFileSync(list, "utf8")) as string[];
      const source = `<svg xmlns="http://www.w3.org/2000/svg">${names.map(symbol).join("")}</svg>`;
      this.emitFile({ type: "asset", name: "icons.svg", originalFileName: SOURCE, source });
    },
  };
}
