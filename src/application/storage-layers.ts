import { type SealingOptions, sealing } from '../storage/sealing/sealed-storage.ts';
import type { StorageLayer } from '../storage/storage.ts';
import type { ApplicationDeclaration } from './declaration.ts';
import { personalStorage } from './personal/personal-storage.ts';

/** Returns the layers around the storage of some applications that are opened with the same options, the innermost first. */
export function storageLayers(
  _declarations: readonly ApplicationDeclaration[],
  { encryption, compression }: SealingOptions,
): readonly StorageLayer[] {
  const isSealed = encryption !== undefined || compression !== undefined;
  return isSealed ? [sealing({ encryption, compression }), personalStorage] : [personalStorage];
}
