import type { Options } from './options.ts';
import type { StorageKind } from './storages.ts';

/** A part of the bench. */
export interface Section {
  /** What comes before its lines. */
  heading(options: Options): string | Promise<string>;
  /** What it measures on a storage. */
  on(storage: StorageKind): readonly Measurement[];
}

/** Something to be measured. */
export interface Measurement {
  /** By what it is chosen, behind the name of the storage. */
  readonly name: string;
  /** Resolves with the line that tells of it. */
  run(options: Options): Promise<string>;
}
