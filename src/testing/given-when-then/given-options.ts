import { storageRule } from '../../application/application-binding.ts';
import { replacedRule } from '../../application/resources/replaced-resources.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import { System } from '../../system/system.ts';
import { ruleOf } from '../../util/option-rules.ts';
import type { OptionRules } from '../../util/options.ts';

/** Options of {@link given}. */
export interface GivenOptions<Resources extends object = object, Handle = unknown> {
  /** System of the application, for its custom types, resources and other options. @default one with the same classes */
  readonly system?: System;
  /** Storage without events of the application. @default `memory()` */
  readonly storage?: StorageDescription;
  /** Resources of the handlers by name, in place of those of the system. @default none */
  readonly resources?: Partial<Resources>;
  /**
   * Creates the tables of an application with `static readonly rows`, with the handle of its driver. Projections create their
   * own.
   *
   * @default none
   */
  readonly createTables?: (handle: Handle) => unknown;
}

export const givenOptions: OptionRules<GivenOptions> = {
  system: ruleOf('the result of System.of([…])', (value) => value instanceof System),
  storage: storageRule,
  resources: replacedRule,
  createTables: ruleOf('a function', (value) => typeof value === 'function'),
};
