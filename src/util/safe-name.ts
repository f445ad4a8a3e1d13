import { hash } from 'node:crypto';

/** The names that a place allows. */
export interface SafeNameRules {
  /** Matches each character that stands for itself. */
  readonly allowed: RegExp;
  /** Begins the two hexadecimal digits of any other byte; must not be allowed. */
  readonly escapeWith: string;
  /** Longest name, in characters. @default no limit */
  readonly longest?: number;
  /** How many characters a name that is too long keeps; a hash follows. */
  readonly kept?: number;
  /** Stands between these characters and the hash; must not be what a byte is encoded as. */
  readonly cut?: string;
}

/** Encodes any text as a name that a file system, database or engine allows; different texts have different names. */
export function safeName(text: string, rules: SafeNameRules): string {
  const encoded = Array.from(Buffer.from(text), (byte) => encodeByte(byte, rules)).join('');
  const { longest = Infinity, kept = 0, cut = '' } = rules;
  if (encoded.length <= longest) return encoded;
  const digest = hash('sha256', encoded).slice(0, longest - kept - cut.length);
  return `${encoded.slice(0, kept)}${cut}${digest}`;
}

function encodeByte(byte: number, { allowed, escapeWith }: SafeNameRules): string {
  const character = String.fromCharCode(byte);
  return allowed.test(character) ? character : `${escapeWith}${byte.toString(16).padStart(2, '0')}`;
}
