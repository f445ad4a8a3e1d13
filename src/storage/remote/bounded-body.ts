/** Reads the bytes of an answer up to a size; undefined if it is larger. */
export async function bytesUpTo(response: Response, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) return undefined; // ends the loop, which cancels the body
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
