import { createSecretKey, type KeyObject } from 'node:crypto';
import { types } from 'node:util';
import { KahnError, kindOf } from '../../util/errors.ts';
import { flag, integer, required, ruleOf, secret } from '../../util/option-rules.ts';
import type { OptionRules } from '../../util/options.ts';

/** Keys of the encryption by their ids. */
export interface KeyRing {
  /** Id of the key that encrypts what is recorded from now on; `null` to record plain text and only decrypt. */
  readonly current: string | null;
  /** Keys of 32 bytes by id. An id has 1 to 30 of the characters A-Z, a-z, 0-9, `.`, `_` and `-`. */
  readonly keys: Readonly<Record<string, Uint8Array>>;
}

/** Options of encryption. */
export interface EncryptionOptions {
  /**
   * Returns the keys. Called whenever a thread opens the storage, and again, at most once a second, when a text is
   * encrypted with a key that is not known yet.
   */
  readonly keys: () => KeyRing | Promise<KeyRing>;
  /**
   * Whether plain text is read, as recorded before encryption was turned on. If not, it counts as tampered with.
   *
   * @default true
   */
  readonly acceptPlainText?: boolean;
}

export const encryptionOptions: OptionRules<EncryptionOptions, 'acceptPlainText'> = {
  keys: required(secret(ruleOf('a function that returns the keys', (value) => typeof value === 'function'))),
  acceptPlainText: flag(true),
};

/** Options of compression. */
export interface CompressionOptions {
  /** Fewest characters of a text that is compressed. @default 1_000 */
  readonly threshold?: number;
}

export const compressionOptions: OptionRules<CompressionOptions, 'threshold'> = {
  threshold: integer({ least: 0 }, 1_000),
};

/** The option `keys` of `encryption` returned no usable key ring. The message shows no key. */
export class InvalidKeyRingError extends KahnError {
  override readonly code = 'INVALID_KEY_RING';

  constructor(problem: string) {
    super(`The option 'keys' of encryption returned an invalid key ring: ${problem}.`);
  }
}

/** A key of the ring. */
export interface RingKey {
  readonly id: string;
  readonly secret: KeyObject;
}

/** A key ring whose keys were checked. Printing it shows no key. */
export interface CheckedKeyRing {
  readonly current: RingKey | undefined;
  readonly keys: ReadonlyMap<string, RingKey>;
}

const keyBytes = 32;
/** Shorter than any text of a key, so that a key in the place of an id is never shown. */
const keyId = /^[\w.-]{1,30}$/;

/**
 * Checks a key ring and copies its keys.
 *
 * @throws {@link InvalidKeyRingError} if it is not one.
 */
export function checkedKeyRing(ring: unknown): CheckedKeyRing {
  if (typeof ring !== 'object' || ring === null)
    throw new InvalidKeyRingError(`expected { current, keys }, got ${kindOf(ring)}`);
  for (const name of ['current', 'keys'])
    if (!(name in ring))
      throw new InvalidKeyRingError(`expected { current, keys }, got an object without '${name}'`);
  const { current, keys } = ring as Partial<KeyRing>;
  if (typeof keys !== 'object' || keys === null || Array.isArray(keys) || types.isUint8Array(keys))
    throw new InvalidKeyRingError(`expected 'keys' to be an object of keys by id, got ${kindOf(keys)}`);
  const checked = new Map(Object.entries(keys).map(([id, bytes]) => [id, checkedKey(id, bytes)]));
  if (current === null) return { current: undefined, keys: checked };
  const known = typeof current === 'string' ? checked.get(current) : undefined;
  if (known !== undefined) return { current: known, keys: checked };
  const ids = checked.size === 0 ? 'it has no keys' : `its keys are ${[...checked.keys()].join(', ')}`;
  const got = typeof current === 'string' && keyId.test(current) ? `'${current}'` : kindOf(current);
  throw new InvalidKeyRingError(
    `expected 'current' to be the id of one of its keys or null, got ${got}; ${ids}`,
  );
}

function checkedKey(id: string, bytes: unknown): RingKey {
  if (!keyId.test(id))
    throw new InvalidKeyRingError(
      'a key has an id of another form than 1 to 30 of the characters A-Z, a-z, 0-9, ., _ and -',
    );
  if (!types.isUint8Array(bytes))
    throw new InvalidKeyRingError(`expected key '${id}' to be a Uint8Array, got ${kindOf(bytes)}`);
  if (bytes.length !== keyBytes)
    throw new InvalidKeyRingError(`expected key '${id}' to have ${keyBytes} bytes, got ${bytes.length}`);
  return { id, secret: createSecretKey(bytes) };
}
