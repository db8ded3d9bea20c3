// settings.ts - what a candidate may choose about the page; kept on this device, applied as attributes of <html>.

export interface Settings {
  shortcuts: boolean;
  theme: "system" | "light" | "dark" | "contrast";
}

const KEY = "examhall.settings";

export function settings_read(): Settings {
  try {
    return { shortcuts: true, theme: "system", ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Settings>) };
  } catch {
    return { shortcuts: true, theme: "system" };
  }
}

export function settings_apply(settings: Settings): void {
  if (settings.theme === "system") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = settings.theme;
  try {
    localStorage.setItem(KEY, JSON.stringify(settings));
  } catch {
    // A browser that keeps nothing still shows the page as chosen.
  }
}
