import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { compressedCopies } from "./build/compress.ts";
import { iconSprite } from "./build/icons.ts";

const dist = fileURLToPath(new URL("../src/mains/web/static/dist", import.meta.url));

export default defineConfig({
  // Relative addresses: the pages work below any STATIC_URL.
  base: "./",
  plugins: [iconSprite(), compressedCopies(dist)],
  build: {
    outDir: dist,
    emptyOutDir: true,
    manifest: "manifest.json",
    // The first versions with light-dark(); older targets would make the build rewrite every colour twice.
    target: ["chrome123", "edge123", "firefox121", "safari17.5"],
    // The content security policy allows no data: scripts, and inlined assets cannot be cached apart.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    modulePreload: { polyfill: false },
    rollupOptions: {
      // htmx holds an eval() that its setting allowEval=false and the security policy both switch off.
      checks: { eval: false },
      input: {
        office: "src/office.ts",
        charts: "src/charts.ts",
        map: "src/map.ts",
        draft: "src/draft.ts",
        facts: "src/facts.ts",
        logo: "src/logo.svg",
      },
    },
  },
});
