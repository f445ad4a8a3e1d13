import type { StorageLayer } from '../storage/storage.ts';
import type { ApplicationDeclaration } from './declaration.ts';
import type { OpenStoreOptions } from './open-store.ts';
import { personalStorage } from './personal/personal-storage.ts';

/** Returns the layers around the storage of some applications that are opened with the same options, the innermost first. */
export function storageLayers(
  _declarations: readonly ApplicationDeclaration[],
  _options: Pick<OpenStoreOptions, 'types'>,
): readonly StorageLayer[] {
  return [personalStorage];
}
