/** Reads the text of an answer up to a size in bytes; undefined if it is larger. */
export async function textUpTo(response: Response, maxBytes: number): Promise<string | undefined> {
  if (response.body === null) return '';
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return undefined; // ends the loop, which cancels the body
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
