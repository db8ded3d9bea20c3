// math_engine.ts - TeX to MathML, by Temml. A chunk of its own: loaded when the first formula may come, not before.

import temml from "temml";
import "temml/dist/Temml-Local.css";

/** The part of Temml's tree that we touch. */
interface Node {
  attributes?: Record<string, string>;
  style?: Record<string, string>;
  children?: Node[];
  toNode(): globalThis.Node;
}

const MACROS = { "\\textgreater": ">", "\\textless": "<" }; // text-mode names that papers use in formulas

const OPTIONS = { throwOnError: true, trust: false, strict: false, wrap: "tex" as const, maxExpand: 500, macros: MACROS };

// The page's security policy refuses style attributes but not styles set by script: so move the one into the other.
function unstyle(node: Node): void {
  const style = node.attributes?.["style"];
  if (style && node.style) {
    delete node.attributes!["style"];
    for (const rule of style.split(";")) {
      const [name, value] = rule.split(":").map((part) => part.trim());
      if (name && value) node.style[name.replace(/-([a-z])/g, (_, c: string) => c.toUpperCase())] = value;
    }
  }
  node.children?.forEach(unstyle);
}

/** A <math> element; throws on TeX that Temml does not know. */
export function render(tex: string, display: boolean): globalThis.Node {
  const tree = temml.__renderToMathMLTree(tex, { ...OPTIONS, displayMode: display }) as Node;
  unstyle(tree);
  return tree.toNode();
}

/** The same as text, for tests without a browser. */
export function render_text(tex: string, display: boolean): string {
  return temml.renderToString(tex, { ...OPTIONS, displayMode: display });
}
