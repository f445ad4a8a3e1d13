import { isStorageDescription, openStorage, type StorageDescription } from '../storage/storage.ts';
import { required, ruleOf } from '../util/option-rules.ts';
import { type OptionRule, type OptionRules, resolveOptions } from '../util/options.ts';
import { type ApplicationDeclaration, assertDeclared } from './declaration.ts';
import { type OpenStoreOptions, openStore, openStoreOptions } from './open-store.ts';
import type { SaveRules } from './recording/commit-queue.ts';
import type { EventStore } from './recording/event-store.ts';
import { noResources, openResources } from './resources/open-resources.ts';
import { resourcesRule } from './resources/replaced-resources.ts';
import type { Resources } from './resources/resources.ts';
import { storageLayers } from './storage-layers.ts';

export const storageRule: OptionRule<StorageDescription, undefined> = {
  ...ruleOf<StorageDescription>(
    'the result of memory(), sqlite({ … }) or postgres({ … })',
    isStorageDescription,
  ),
  isSecret: true, // it may be a connection string, with a password
  standsAlone: true,
};

/** Options of opening an application without a runner. */
export interface OpenApplicationOptions extends OpenStoreOptions {
  /** Where the application records: the result of `memory()`, `sqlite({ … })` or `postgres({ … })`. */
  readonly storage: StorageDescription;
  /** What `this.resources` of the application has, made with `defineResources`. @default none */
  readonly resources?: Resources;
}

export const openApplicationOptions: OptionRules<
  OpenApplicationOptions,
  'pipelineId' | 'setupTables' | 'cacheSize'
> = {
  ...openStoreOptions,
  storage: required(storageRule),
  resources: resourcesRule,
};

/** The store of an open application, and the decisions of its owner. */
export interface ApplicationBinding {
  readonly store: EventStore;
  readonly saveRules: SaveRules;
  /** Resources of the system by name. */
  readonly resources: object;
  /** Whether a runner closes the application, so that its users cannot. */
  readonly belongsToRunner: boolean;
  /** Whether the application may change to another pipeline. */
  readonly mayChangePipeline: boolean;
  /** Releases the resources that were opened for this application alone. */
  release(): Promise<void>;
}

const saveAtOnce: SaveRules = { runCommit: (commit) => commit() };

/** Binding of an application that a runner opens and closes. */
export function ownedBinding(
  store: EventStore,
  saveRules: SaveRules = saveAtOnce,
  resources: object = noResources.values,
): ApplicationBinding {
  const release = async () => {};
  return { store, saveRules, resources, belongsToRunner: true, mayChangePipeline: false, release };
}

/** The system of an application that is opened alone. */
export interface StandaloneSystem {
  /** Declarations of all applications: their logs may be recorded under other names, or be in other systems. */
  readonly applications: readonly ApplicationDeclaration[];
  /** Name by which other systems know it. */
  readonly name?: string | undefined;
  /** Resources that are used in place of those that would be opened. */
  readonly replaced?: object | undefined;
}

/**
 * Opens storage for one application without a runner.
 *
 * @param system What is known of its system, if it is opened as part of one.
 */
export async function standaloneBinding(
  declaration: ApplicationDeclaration,
  options: OpenApplicationOptions,
  system: StandaloneSystem = { applications: [declaration] },
): Promise<ApplicationBinding> {
  assertDeclared(declaration);
  const { name } = declaration;
  const example = `${name}.open({ storage: memory() })`;
  const { storage, resources, ...storeOptions } = resolveOptions(
    options,
    openApplicationOptions,
    `${name}.open()`,
    example,
  );
  await using opened = new AsyncDisposableStack();
  const openedStorage = await openStorage(storage, {
    layers: storageLayers(system.applications, storeOptions, system.name),
  });
  opened.defer(() => openedStorage.close());
  const store = await openStore(declaration, openedStorage, storeOptions);
  opened.defer(() => store.recorder.close());
  const { values } = opened.use(await openResources(resources, { replaced: system.replaced }));
  const releasing = opened.move();
  return {
    store,
    saveRules: saveAtOnce,
    resources: values,
    belongsToRunner: false,
    mayChangePipeline: true,
    release: () => releasing.disposeAsync(),
  };
}
