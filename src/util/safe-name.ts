import { hash } from './environment/hash.ts';

/** Rules for names that a file system, database or engine allows. */
export interface SafeNameRules {
  /** Matches a character that is kept as it is. */
  readonly allowed: RegExp;
  /** Escape character, followed by two hexadecimal digits of a byte that is not allowed. Must not match `allowed`. */
  readonly escapeWith: string;
  /** Longest name, in characters. @default no limit */
  readonly longest?: number;
  /** Number of characters kept of a longer name, before its hash. */
  readonly kept?: number;
  /** Separator between the kept characters and the hash. Must not occur in an encoded name. */
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

/** Returns the text that {@link safeName} encoded, or undefined if that is unknown because the name was cut. */
export function originalName(name: string, rules: SafeNameRules): string | undefined {
  const escaped = new RegExp(`\\${rules.escapeWith}(..)`, 'g');
  const bytes = name.replaceAll(escaped, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  const text = Buffer.from(bytes, 'latin1').toString();
  return safeName(text, rules) === name ? text : undefined;
}

function encodeByte(byte: number, { allowed, escapeWith }: SafeNameRules): string {
  const character = String.fromCharCode(byte);
  return allowed.test(character) ? character : `${escapeWith}${byte.toString(16).padStart(2, '0')}`;
}
