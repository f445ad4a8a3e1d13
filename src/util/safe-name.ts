import { hash } from 'node:crypto';

/** Names that a file system, database or engine allows. */
export interface SafeNameRules {
  /** Matches a character that is kept as it is. */
  readonly allowed: RegExp;
  /** Character before the two hexadecimal digits of any other byte. Must not be allowed itself. */
  readonly escapeWith: string;
  /** Longest name, in characters. @default no limit */
  readonly longest?: number;
  /** Number of characters that a name that is too long keeps before its hash. */
  readonly kept?: number;
  /** Separator between these characters and the hash. Must not occur in an encoded name. */
  readonly cut?: string;
}

/** Encodes any text as an allowed name. Different texts have different names. */
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
