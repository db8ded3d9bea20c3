// code.ts - the 16 characters of the admit card, as people type them.
//
// Crockford's base32 has no O, I, L or U, so what looks like one of the first three is read as what was meant.

const LOOKS_LIKE: Record<string, string> = { O: "0", I: "1", L: "1" };

export const CODE_CHARACTERS = 16;

/** Only the characters that count, upper case: "abcd-efgh o1il" becomes "ABCDEFGH0111". */
export function code_clean(typed: string): string {
  return typed
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, "")
    .replace(/[OIL]/g, (c) => LOOKS_LIKE[c]!);
}

/** In fours, as on the card: "ABCD-EFGH-0111". */
export function code_grouped(clean: string): string {
  return (clean.match(/.{1,4}/g) ?? []).join("-");
}

/** Null when it can be sent; else what is wrong, as a sentence. */
export function code_fault(clean: string): string | null {
  const strange = clean.match(/[^0-9A-HJKMNP-TV-Z]/);
  if (strange) return `The code cannot contain "${strange[0]}". Please compare it with the admit card.`;
  if (clean.length !== CODE_CHARACTERS)
    return `The code has ${CODE_CHARACTERS} characters; ${clean.length} are typed.`;
  return null;
}
