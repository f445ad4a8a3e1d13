import type { KeyRing } from 'kahn';
import { type SealingOptions, sealing } from '../../../src/storage/sealing/sealed-storage.ts';
import type { StorageLayer } from '../../../src/storage/storage.ts';

/** Returns a key for tests, the same for the same number. */
export function keyOf(number: number): Uint8Array {
  return new Uint8Array(32).fill(number + 1);
}

/** Returns a ring of the keys k1, k2 … up to the current key. */
export function ringOf(last: number): KeyRing {
  const entries = Array.from({ length: last }, (_, index) => [`k${index + 1}`, keyOf(index + 1)] as const);
  return { current: `k${last}`, keys: Object.fromEntries(entries) };
}

const encryption = { keys: () => ringOf(2), acceptPlainText: false };
const compression = { threshold: 0 };

/** Each combination of what the layer does. */
export const sealings: Readonly<Record<string, SealingOptions>> = {
  encrypted: { encryption },
  compressed: { compression },
  'compressed and encrypted': { encryption, compression },
};

/** The layers of each combination. */
export function sealedLayers(name: string): readonly StorageLayer[] {
  return [sealing(sealings[name] ?? {})];
}
