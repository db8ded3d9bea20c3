// Two pages, no inline script and no inline style (the gateway's Content-Security-Policy forbids both), and one chunk
// for formulas that a page without formulas never loads.
import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: {
      input: { candidate: resolve(__dirname, "index.html"), officer: resolve(__dirname, "staff.html") },
    },
  },
  test: { include: ["test/**/*.test.ts"] },
});
