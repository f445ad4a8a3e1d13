/** Length from which texts are kept outside of the heap, in characters. */
const largeLength = 32_768;

/** Returns whether a text is so large that it is kept outside of the heap. */
export function isLarge(text: string | undefined): boolean {
  return text !== undefined && text.length >= largeLength;
}

/**
 * Keeps a large text of an object outside of the heap, whose size V8 limits. The property stays an own property that can
 * be spread, and is decoded whenever it is read.
 */
export function keepOutsideOfHeap<K extends string>(object: Readonly<Record<K, string>>, key: K): void {
  const bytes = Buffer.from(object[key]);
  Object.defineProperty(object, key, { enumerable: true, get: () => bytes.toString() });
}
