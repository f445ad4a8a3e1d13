import type { Options } from './options.ts';
import type { StorageKind } from './storages.ts';

/** A section of the bench output. */
export interface Section {
  heading(options: Options): string | Promise<string>;
  /** The measurements on a storage. */
  on(storageKind: StorageKind): readonly Measurement[];
}

export interface Measurement {
  /** Name by which `--only` selects it, after the name of the storage. */
  readonly name: string;
  /** Resolves with the printed lines. */
  run(options: Options): Promise<string>;
}
