// settings.ts - what a candidate may choose about the page; kept on this device until they leave it, applied as attributes
// of <html>.

export interface Settings {
  shortcuts: boolean;
  theme: "system" | "light" | "dark" | "contrast";
}

const KEY = "examhall.settings";
const DEFAULTS: Settings = { shortcuts: true, theme: "system" };

export function settings_read(): Settings {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>) };
  } catch {
    return DEFAULTS;
  }
}

/** The next candidate begins with the page as everybody does. */
export function settings_forget(): void {
  show(DEFAULTS);
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Then nothing was kept.
  }
}

function show({ theme }: Settings): void {
  if (theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = theme;
}

export function settings_apply(settings: Settings): void {
  show(settings);
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // A browser that keeps nothing still shows the page as chosen.
  }
}
