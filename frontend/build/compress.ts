// Writes .gz and .br beside every text asset: the server sends them as they are, without work per request.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

const TEXT = /\.(css|js|mjs|svg)$/;
const WORTH_IT_BYTES = 1024;

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

export function compressedCopies(folder: string): Plugin {
  return {
    name: "mains-compressed-copies",
    apply: "build",
    closeBundle() {
      for (const path of files(folder).filter((name) => TEXT.test(name))) {
        if (statSync(path).size < WORTH_IT_BYTES) continue;
        const source = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(source, { level: 9 }));
        writeFileSync(
          `${path}.br`,
          brotliCompressSync(source, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }),
        );
      }
    },
  };
}
