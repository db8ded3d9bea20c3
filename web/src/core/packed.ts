// packed.ts - a JSON inside another one, as base64 of gzip: how the paper comes with the reply to a start.

/** Null: not by this browser (it cannot inflate), or the bytes are not whole. Then it is there to be asked for. */
export async function unpacked<T>(packed: string): Promise<T | null> {
  try {
    const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
    const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return (await new Response(plain).json()) as T;
  } catch {
    return null;
  }
}
