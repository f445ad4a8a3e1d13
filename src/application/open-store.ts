import type { CarryMetadata } from '../domain/provenance.ts';
import type { CustomType } from '../storage/codec/custom-type.ts';
import { Transcoder } from '../storage/codec/transcoder.ts';
import { InvalidStorageError } from '../storage/errors.ts';
import type { RecordedRows, Recorder } from '../storage/recorder.ts';
import {
  type CompressionOptions,
  compressionOptions,
  type EncryptionOptions,
  encryptionOptions,
} from '../storage/sealing/encryption.ts';
import type { OpenedStorage } from '../storage/storage.ts';
import { assertPipelineId } from '../util/ids.ts';
import { checkedBy, flag, integer, optionsBy, ruleOf } from '../util/option-rules.ts';
import { type OptionRule, type OptionRules, resolveOptions } from '../util/options.ts';
import type { ApplicationDeclaration } from './declaration.ts';
import { subjectKeysOf } from './personal/personal-storage.ts';
import { SealedPersonalType } from './personal/sealed-personal-type.ts';
import type { CreateContext } from './projection/projection-context.ts';
import { isProjection, type ProjectionDeclaration } from './projection/projection-declaration.ts';
import { openSchema, type SchemaOpening } from './projection/schema-recorder.ts';
import { EventStore } from './recording/event-store.ts';

/** Options of opening the recorder and the cache of one application. */
export interface OpenStoreOptions {
  /** Pipeline in whose log the application records. @default 0 */
  readonly pipelineId?: number;
  /** Whether missing tables are created. @default true */
  readonly setupTables?: boolean;
  /**
   * Largest number of events in the cache; 0 turns the cache off. A large history counts as one event for each 1,600
   * characters of its JSON.
   *
   * @default 10_000
   */
  readonly cacheSize?: number;
  /** Custom types that event data may hold, made with `defineType`. @default none */
  readonly types?: readonly CustomType[];
  /** Returns the metadata that the events of a policy carry on from the event handled. @default all of it */
  readonly carryMetadata?: CarryMetadata;
  /** Encrypts event data and all other recorded content with AES-256-GCM. @default none */
  readonly encryption?: EncryptionOptions;
  /** Compresses long texts, before they are encrypted. @default none */
  readonly compression?: CompressionOptions;
}

export const carryMetadataRule: OptionRule<CarryMetadata, undefined> = ruleOf(
  'a function',
  (value) => typeof value === 'function',
);

export const encryptionRule: OptionRule<EncryptionOptions, undefined> = optionsBy(
  encryptionOptions,
  'encryption',
);
export const compressionRule: OptionRule<CompressionOptions, undefined> = optionsBy(
  compressionOptions,
  'compression',
);

export const openStoreOptions: OptionRules<OpenStoreOptions, 'pipelineId' | 'setupTables' | 'cacheSize'> = {
  pipelineId: checkedBy(assertPipelineId, 0),
  setupTables: flag(true),
  cacheSize: integer({ least: 0 }, 10_000),
  types: ruleOf('an array of custom types', Array.isArray),
  carryMetadata: carryMetadataRule,
  encryption: encryptionRule,
  compression: compressionRule,
};

/** Opens the event store of one application in open storage. */
export async function openStore(
  declaration: ApplicationDeclaration,
  openedStorage: OpenedStorage,
  options: OpenStoreOptions,
): Promise<EventStore> {
  const owner = `${declaration.name}.open()`;
  const { pipelineId, setupTables, cacheSize, types, carryMetadata } = resolveOptions(
    options,
    openStoreOptions,
    owner,
  );
  const { applicationName, emits, saves, sectionSize, causalDependencies = false } = declaration;
  const personal = new SealedPersonalType(types ?? [], subjectKeysOf(openedStorage));
  const transcoder = new Transcoder(types, personal);
  const own = await openedStorage.openRecorder({ applicationName, setupTables });
  let rows: RecordedRows | undefined;
  try {
    rows = rowsOf(declaration, own);
  } catch (error) {
    await own.close();
    throw error;
  }
  const recorder = isProjection(declaration)
    ? await openSchema(declaration, own, { openedStorage, setupTables, create: creatorOf(declaration) })
    : own;
  return new EventStore({
    applicationName,
    pipelineId,
    emits,
    saves,
    sectionSize,
    causalDependencies,
    recorder,
    rows,
    transcoder,
    cacheSize,
    ...(carryMetadata && { carryMetadata }),
  });
}

/** Returns the function that creates the tables of a projection. */
function creatorOf(declaration: ProjectionDeclaration): SchemaOpening['create'] {
  const projection = declaration as unknown as new () => { create(context: CreateContext): unknown };
  return (context) => new projection().create(context);
}

/** Returns the rows of an application; undefined if its class states none. */
function rowsOf(
  { applicationName, rows }: ApplicationDeclaration,
  recorder: Recorder,
): RecordedRows | undefined {
  if (rows === undefined) return undefined;
  const recorded = recorder.rows?.(rows);
  if (recorded !== undefined) return recorded;
  throw new InvalidStorageError(
    `Application '${applicationName}' records rows, which its storage cannot. Use sqlite({ file }), ` +
      'postgres({ connectionString }) or memory().',
  );
}
