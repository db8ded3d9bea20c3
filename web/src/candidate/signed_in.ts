// signed_in.ts - which attempt this browser is signed in to. All its windows share one cookie, so when one signs in or out
// the others have to know: they would go on showing a candidate who is not there any more.

const KEY = "examhall.attempt";

export function signed_in_read(): number | null {
  try {
    return Number(localStorage.getItem(KEY)) || null;
  } catch {
    return null; // a browser that keeps nothing asks for roll number and code at each reload
  }
}

export function signed_in_write(attempt: number | null): void {
  try {
    if (attempt === null) localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, String(attempt));
  } catch {
    // see above
  }
}

/** Calls `changed` when another window of this browser signed in as somebody else, or out (null). */
export function signed_in_watch(changed: (attempt: number | null) => void): void {
  window.addEventListener("storage", (event) => {
    if (event.key === KEY || event.key === null) changed(Number(event.newValue) || null);
  });
}
