import type { CustomType } from '../storage/codec/custom-type.ts';
import { Transcoder } from '../storage/codec/transcoder.ts';
import { type OpenedStorage, openStorage, type StorageDescription } from '../storage/storage.ts';
import { assertId, assertPipelineId, isId } from '../util/ids.ts';
import { assertOptions, assertWholeNumber } from '../util/options.ts';
import { InvalidApplicationError } from './errors.ts';
import { EventStore } from './recording/event-store.ts';

/** What an application class says of itself. */
export interface ApplicationDeclaration {
  readonly name: string;
  readonly applicationName: string;
  readonly emits: readonly string[];
  readonly causalDependencies?: boolean;
}

/** How applications are opened. */
export interface StoreOptions {
  /** The pipeline in whose log it records; 0 by default. */
  readonly pipelineId?: number;
  /** Whether storage that is not set up yet is set up; true by default. */
  readonly setupTables?: boolean;
  /** How many events the cache of an application holds at most; 10,000 by default, 0 turns it off. */
  readonly cacheSize?: number;
  /** The types of one's own that event data may hold. */
  readonly types?: readonly CustomType[];
}

/** How an application is opened by itself. */
export interface OpenApplicationOptions extends StoreOptions {
  readonly storage: StorageDescription;
}

/** What an application works with once it is open. */
export interface ApplicationBinding {
  readonly store: EventStore;
  /** Runs one commit, and what must follow from it at once, when it is its turn. */
  turn(commit: () => Promise<void>): Promise<void>;
  /** Whether it ends with its runner, and cannot be closed by itself. */
  readonly belongsToRunner: boolean;
  /** Whether it may go on in another pipeline. */
  readonly mayChangePipeline: boolean;
  /** Releases what was opened for this application alone. */
  release(): Promise<void>;
}

const openOptions = ['storage', 'pipelineId', 'setupTables', 'cacheSize', 'types'];

/** Opens storage for one application only. */
export async function bindAlone(
  declaration: ApplicationDeclaration,
  options: OpenApplicationOptions,
): Promise<ApplicationBinding> {
  assertDeclared(declaration);
  assertOptions(options, openOptions, `${declaration.name}.open()`);
  const openedStorage = await openStorage(options.storage);
  try {
    const store = await openStore(declaration, openedStorage, options);
    const release = async () => {
      await store.recorder.close();
      await openedStorage.close();
    };
    return { store, turn: (commit) => commit(), belongsToRunner: false, mayChangePipeline: true, release };
  } catch (error) {
    await openedStorage.close();
    throw error;
  }
}

/** Opens the store of one application in storage that is open. */
export async function openStore(
  declaration: ApplicationDeclaration,
  openedStorage: OpenedStorage,
  options: StoreOptions,
): Promise<EventStore> {
  const { pipelineId = 0, setupTables = true, cacheSize = 10_000, types = [] } = options;
  assertPipelineId(pipelineId);
  assertWholeNumber(cacheSize, 'cacheSize', 0);
  const { applicationName, emits, causalDependencies = false } = declaration;
  const transcoder = new Transcoder(types);
  const recorder = await openedStorage.openRecorder({ applicationName, setupTables });
  return new EventStore({
    applicationName,
    pipelineId,
    emits,
    causalDependencies,
    recorder,
    transcoder,
    cacheSize,
  });
}

/** Throws {@link InvalidApplicationError} unless the class says what it is called and what it emits. */
export function assertDeclared(declaration: ApplicationDeclaration): void {
  const { name, applicationName, emits, causalDependencies = false } = declaration;
  if (applicationName === undefined) {
    throw new InvalidApplicationError(
      `Class ${name} needs 'static readonly applicationName', the durable name of its log.`,
    );
  }
  assertId(applicationName, `The applicationName of class ${name}`);
  if (!Array.isArray(emits) || !emits.every(isId)) {
    throw new InvalidApplicationError(
      `Class ${name} needs 'static readonly emits', an array of the types of the events it records.`,
    );
  }
  if (typeof causalDependencies !== 'boolean') {
    throw new InvalidApplicationError(
      `'static readonly causalDependencies' of class ${name} is true or false, not ${String(causalDependencies)}.`,
    );
  }
}
