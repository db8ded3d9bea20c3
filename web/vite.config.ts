// Two pages, no inline script and no inline style (the gateway's Content-Security-Policy forbids both), and one chunk
// for formulas that a page without formulas never loads.
import { resolve } from "node:path";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

// Temml's style sheet brings a font for a few script capitals; the policy allows no fonts, and the system's do.
const no_fonts: Plugin = {
  name: "no-fonts",
  enforce: "pre",
  transform: (code, id) => (id.includes("Temml-Local.css") ? code.replace(/@font-face\s*\{[^}]*\}/g, "") : null),
};

export default defineConfig({
  plugins: [no_fonts],
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
