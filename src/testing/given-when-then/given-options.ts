import { storageRule } from '../../application/application-binding.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import { System } from '../../system/system.ts';
import { ruleOf } from '../../util/option-rules.ts';
import type { OptionRules } from '../../util/options.ts';

/** Options of {@link given}. */
export interface GivenOptions<Resources extends object = object> {
  /**
   * System of the application, whose custom types, `carryMetadata` and encryption are used. @default a system of the
   * application and its upstreams
   */
  readonly system?: System;
  /** Empty storage. @default `memory()` */
  readonly storage?: StorageDescription;
  /** Resources of the handlers, by name. @default none */
  readonly resources?: Partial<Resources>;
}

export const givenOptions: OptionRules<GivenOptions> = {
  system: ruleOf('the result of System.of([…])', (value) => value instanceof System),
  storage: storageRule,
  resources: ruleOf('an object of resources by name', (value) => typeof value === 'object' && value !== null),
};
