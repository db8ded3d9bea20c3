// help.tsx - how this page works, and what a candidate may change about it.

import { useState } from "preact/hooks";
import { Dialog, Legend } from "./parts";
import { type Settings, settings_apply, settings_read } from "./settings";

export const SHORTCUTS: [string, string][] = [
  ["1 to 9", "choose an answer by its place in the list"],
  ["↑ ↓", "move between answers, while one is focused"],
  ["N or →", "next question"],
  ["P or ←", "previous question"],
  ["M", "mark for review, or take the mark away"],
  ["C", "clear the answer"],
  ["T", "hear the time left"],
  ["Q", "go to the list of questions"],
  ["?", "open this help"],
];

export function ShortcutTable() {
  return (
    <table class="shortcuts">
      <caption class="for-listeners">Keys</caption>
      <tbody>
        {SHORTCUTS.map(([keys, what]) => (
          <tr key={keys}>
            <th scope="row">
              <kbd>{keys}</kbd>
            </th>
            <td>{what}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function StagesExplained() {
  return (
    <ul class="stages-explained">
      <li>
        <span class="stage stage-typed">… Typed</span> it is on the screen only, for a moment.
      </li>
      <li>
        <span class="stage stage-device">◐ On this device</span> it is kept here, even if the browser or the power fails, and is
        on its way.
      </li>
      <li>
        <span class="stage stage-recorded">✓ Recorded by the hall</span> the hall has it. Nothing can lose it any more.
      </li>
    </ul>
  );
}

const THEMES: [Settings["theme"], string][] = [
  ["system", "As the device is set"],
  ["light", "Light"],
  ["dark", "Dark"],
  ["contrast", "High contrast"],
];

export function Help({ close }: { close: () => void }) {
  const [settings, set_settings] = useState(settings_read);
  const change = (next: Settings) => {
    set_settings(next);
    settings_apply(next);
  };
  return (
    <Dialog title="Help and display" close={close} wide>
      <h3>Display</h3>
      <div class="choices-inline" role="radiogroup" aria-label="Colours">
        {THEMES.map(([theme, name]) => (
          <label key={theme} class="choice-inline">
            <input type="radio" name="theme" checked={settings.theme === theme} onChange={() => change({ ...settings, theme })} />
            {name}
          </label>
        ))}
      </div>
      <p class="hint">For larger letters use the browser's zoom (Ctrl and +): the page stays usable up to 400 %.</p>
      <h3>Your answers are saved by themselves</h3>
      <StagesExplained />
      <h3>The list of questions</h3>
      <Legend />
      <p class="hint">A question that is answered and marked counts as answered.</p>
      <h3>Keyboard</h3>
      <label class="choice-inline">
        <input
          type="checkbox"
          checked={settings.shortcuts}
          onChange={() => change({ ...settings, shortcuts: !settings.shortcuts })}
        />
        Use these keys (Tab, Enter and the arrows inside a list always work)
      </label>
      <ShortcutTable />
    </Dialog>
  );
}
