/**
 * Parses JSON. V8 13.6, the engine of Node 24, may give an object a wrong key: where the text has an escape in a key, it can
 * take the key of an object that it parsed before. So a text with escapes is compared with that of the result.
 *
 * @throws `SyntaxError` if the text is not JSON.
 */
export function parseJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!text.includes('\\') || JSON.stringify(value) === text) return value;
  return parseWithPlainKeys(text);
}

/** Matches a string, and the colon behind it if it is a key. */
const strings = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

/** Parses JSON whose keys are replaced by numbered ones without escapes, and puts the keys back. */
function parseWithPlainKeys(text: string): unknown {
  const keys: string[] = [];
  const numbered = text.replaceAll(strings, (string, colon: string | undefined) => {
    if (colon === undefined) return string;
    const number = keys.push(JSON.parse(string.slice(0, -colon.length))) - 1;
    return `"k${number}":`;
  });
  return withKeys(JSON.parse(numbered), keys);
}

function withKeys(value: unknown, keys: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((element) => withKeys(element, keys));
  if (typeof value !== 'object' || value === null) return value;
  const object = {};
  for (const [numbered, field] of Object.entries(value)) {
    const key = keys[Number(numbered.slice(1))] as string;
    const descriptor = { value: withKeys(field, keys), writable: true, enumerable: true, configurable: true };
    Object.defineProperty(object, key, descriptor); // also for '__proto__'
  }
  return object;
}
