/** The bytes of a key, which nothing may show. */
export const secretKey: Uint8Array = Uint8Array.from({ length: 32 }, (_, index) => (index * 37 + 11) % 251);

const bytes = Buffer.from(secretKey);
const start = [...secretKey].slice(0, 8);

/** The key as texts in which it may be shown: as bytes, digits and lists, whole or its start. */
const shownKeys: readonly string[] = [
  bytes.subarray(0, 12).toString('hex'),
  bytes.toString('base64').slice(0, 16),
  bytes.toString('base64url').slice(0, 16),
  bytes.subarray(0, 12).toString('latin1'),
  start.join(', '),
  start.join(','),
  start.map((byte) => byte.toString(16).padStart(2, '0')).join(' '),
  start.map((byte, index) => `"${index}":${byte}`).join(','),
];

/** Returns whether a text shows the key in any form. */
export function showsKey(text: string): boolean {
  const lower = text.toLowerCase();
  return shownKeys.some((shown) => text.includes(shown) || lower.includes(shown.toLowerCase()));
}
