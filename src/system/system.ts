import { inspect } from 'node:util';
import { Application, type ApplicationClass, applicationInternals } from '../application/application.ts';
import {
  type OpenApplicationOptions,
  standaloneBinding,
  storageRule,
} from '../application/application-binding.ts';
import { assertDeclared } from '../application/declaration.ts';
import {
  carryMetadataRule,
  compressionRule,
  encryptionRule,
  type OpenStoreOptions,
  openStoreOptions,
} from '../application/open-store.ts';
import { replacedRule, resourcesRule } from '../application/resources/replaced-resources.ts';
import type { Resources } from '../application/resources/resources.ts';
import { storageLayers } from '../application/storage-layers.ts';
import type { CarryMetadata } from '../domain/provenance.ts';
import type { CustomType } from '../storage/codec/custom-type.ts';
import { memory } from '../storage/memory/index.ts';
import { foreignLog, isSystemName } from '../storage/remote/log-names.ts';
import type { CompressionOptions, EncryptionOptions } from '../storage/sealing/encryption.ts';
import { assertStorage, type StorageDescription, type StorageLayer } from '../storage/storage.ts';
import { kindInOtherCopy, markClass } from '../util/environment/copies.ts';
import { inRootContext } from '../util/environment/root-context.ts';
import { kindOf } from '../util/errors.ts';
import { isId } from '../util/ids.ts';
import { checkedBy, ruleOf } from '../util/option-rules.ts';
import { InvalidArgumentError, type OptionRules, resolveOptions } from '../util/options.ts';
import { assertBeginnings } from './beginnings.ts';
import { assertOthers, distinctClasses } from './distinct-classes.ts';
import { InvalidSystemError, SystemBoundError, UnknownApplicationError } from './errors.ts';
import { graphOf, type SystemGraph } from './graph.ts';
import type { CheckedNeeds } from './needs.ts';
import type { ApplicationsIn, CheckedPipelines, Pipeline } from './pipeline.ts';

/** Options of {@link System.of}. */
export interface SystemOptions<Opened extends object = object> {
  /** Custom types that event data may hold, made with `defineType`. @default none */
  readonly types?: readonly CustomType[];
  /**
   * Returns the metadata that the events of a policy carry on from the event handled, such as
   * `({ metadata }) => ({ traceparent: metadata?.traceparent })`. It must return equal data for equal events.
   *
   * @default all of it
   */
  readonly carryMetadata?: CarryMetadata;
  /** Encrypts event data and all other recorded content with AES-256-GCM. @default none */
  readonly encryption?: EncryptionOptions;
  /** Compresses long texts, before they are encrypted. @default none */
  readonly compression?: CompressionOptions;
  /** What handlers and commands need that lives as long as a runner, made with `defineResources`. @default none */
  readonly resources?: Resources<Opened>;
  /**
   * `import.meta.url` of the module that exports the system, so that other threads and processes can load it.
   *
   * @default none: the system runs in one thread only
   */
  readonly module?: string;
  /**
   * Name that distinguishes the system from others that the same module exports, and from those whose logs it follows or
   * that follow its own. Durable once another system follows it.
   *
   * @default 'system'
   */
  readonly name?: string;
}

export const defaultSystemName = 'system';

export const systemOptions: OptionRules<SystemOptions, 'types' | 'name'> = {
  types: ruleOf('an array of custom types', Array.isArray, []),
  carryMetadata: carryMetadataRule,
  encryption: encryptionRule,
  compression: compressionRule,
  resources: resourcesRule,
  module: checkedBy(assertModule),
  name: checkedBy(assertName, defaultSystemName),
};

const {
  types: _types,
  carryMetadata: _carryMetadata,
  encryption: _encryption,
  compression: _compression,
  ...storeOptions
} = openStoreOptions;
type OptionOfSystem = keyof SystemOptions & keyof OpenStoreOptions;

/** Options of {@link System.open}. */
export interface SystemOpenOptions<Opened extends object = object>
  extends Partial<Omit<OpenApplicationOptions, keyof SystemOptions>> {
  /** Resources that are used, and not closed, in place of those that the system defines. @default none */
  readonly resources?: Partial<Opened>;
}

const systemOpenOptions: OptionRules<SystemOpenOptions, 'pipelineId' | 'setupTables' | 'cacheSize'> = {
  ...storeOptions,
  storage: storageRule,
  resources: replacedRule,
};

/**
 * Applications and the edges between them. Where the applications are stored and how they run is decided when the
 * system is run.
 *
 * @example
 * const shop = System.of([
 *   [Orders, Reservations, Orders],
 *   [Orders, Payments, Orders],
 * ]);
 *
 * await using runner = await run(shop, { storage: memory() });
 * await runner.get(Orders).place('ada');
 */
export class System<Apps extends ApplicationClass = ApplicationClass, out Opened extends object = object> {
  /** Classes of the applications, in the order of definition. */
  readonly applications: readonly Apps[];
  readonly graph: SystemGraph;
  /** Custom types that event data may hold. */
  readonly types: readonly CustomType[];
  /** Returns the metadata that the events of a policy carry on; undefined if they carry on all of it. */
  readonly carryMetadata: CarryMetadata | undefined;
  /** How recorded content is encrypted, if it is. */
  readonly encryption: EncryptionOptions | undefined;
  /** Which texts are compressed, if any. */
  readonly compression: CompressionOptions | undefined;
  /** Definitions of its resources, if it has any. */
  readonly resources: Resources<Opened> | undefined;
  /** Storage that the system is bound to, if any. */
  readonly storage: StorageDescription | undefined;
  readonly name: string;
  /** URL of the module that exports the system, if known. */
  readonly module: string | undefined;

  private constructor(
    system: Pick<
      System<Apps, Opened>,
      OptionOfSystem | 'resources' | 'applications' | 'graph' | 'storage' | 'name' | 'module'
    >,
  ) {
    if (system?.graph === undefined) {
      throw new InvalidArgumentError(
        'Define a system with System.of([[Orders, Reservations]]), not with new.',
      );
    }
    this.name = system.name;
    this.module = system.module;
    this.applications = system.applications;
    this.graph = system.graph;
    this.types = system.types;
    this.carryMetadata = system.carryMetadata;
    this.encryption = system.encryption;
    this.compression = system.compression;
    this.resources = system.resources;
    this.storage = system.storage;
  }

  /**
   * Defines a system by pipelines: in `[A, B, C]`, B follows A and C follows B. A class that is named several times is
   * one application. An application may follow itself and any number of others.
   *
   * Each class that follows another one is constructed once to read its policy, so constructors must only set fields.
   *
   * @throws {@link InvalidSystemError} if a pipeline, a class or an option is invalid.
   */
  static of<const Pipelines extends readonly unknown[], Opened extends object = object>(
    pipelines: Pipelines & CheckedPipelines<Pipelines> & CheckedNeeds<Pipelines, Opened>,
    options: SystemOptions<Opened> = {},
  ): System<ApplicationsIn<Pipelines>, Opened> {
    const lists = listsOf(pipelines as readonly Pipeline[]);
    const { types, carryMetadata, encryption, compression, resources, module, name } = resolveOptions(
      options,
      systemOptions as OptionRules<SystemOptions<Opened>, 'types' | 'name'>,
      'System.of()',
    );
    const applications = distinctClasses(lists.flat()) as ApplicationsIn<Pipelines>[];
    const graph = graphOf(applications, lists);
    assertBeginnings(applications, graph);
    assertOthers(applications, name);
    const own = { types, carryMetadata, encryption, compression, resources, module, name };
    return new System({ applications, graph, ...own, storage: undefined });
  }

  /** Returns a copy of the system that is bound to storage. Throws {@link SystemBoundError} if the system is bound. */
  bind(storage: StorageDescription): System<Apps, Opened> {
    if (this.storage !== undefined) {
      throw new SystemBoundError(
        'This system is already bound to storage: bind the system it was copied from.',
      );
    }
    assertStorage(storage);
    return new System({ ...this, storage });
  }

  /**
   * Opens one application without a runner: it follows no other application. Close it, or declare it with `await using`.
   *
   * @param options By default, `storage` is the storage of the system, else `memory()`.
   * @throws {@link UnknownApplicationError} if the class is not an application of the system.
   * @throws {@link ResourceError} if a resource cannot be opened.
   * @throws {@link StorageError} if the storage cannot be opened.
   */
  async open<A extends Apps>(
    applicationClass: A,
    options: SystemOpenOptions<Opened> = {},
  ): Promise<InstanceType<A>> {
    assertPartOf(this, applicationClass);
    const given: SystemOpenOptions = options;
    resolveOptions(given, systemOpenOptions, 'System.open()');
    const { storage = this.storage ?? memory(), resources: replaced, ...others } = given;
    const opened = {
      ...others,
      ...recordingOptions(this),
      ...(this.resources && { resources: this.resources }),
      storage,
    };
    const application = new applicationClass() as InstanceType<A>;
    const own = { applications: this.applications, name: servedNameOf(this), replaced };
    const binding = await inRootContext(standaloneBinding, applicationClass, opened, own);
    applicationInternals.bind(application, binding);
    return application;
  }

  static {
    markClass(System);
  }
}

/**
 * Checks that a value is a system.
 *
 * @param owner Name of the function that takes the system, as in "run()".
 * @param example Call of this function, for the message if its order of arguments is easily confused.
 * @throws {@link InvalidArgumentError} if it is not.
 */
export function assertSystem(system: unknown, owner: string, example?: string): void {
  if (system instanceof System) return;
  const call = example === undefined ? '' : `, as in ${example}`;
  throw new InvalidArgumentError(
    `${owner} takes a system, the result of System.of([[Orders, Reservations]])${call}, not ${kindOf(system)}.`,
  );
}

/** Returns the options of a system for the stores of its applications. */
export function recordingOptions({
  types,
  carryMetadata,
  encryption,
  compression,
}: System): Pick<OpenStoreOptions, OptionOfSystem> {
  return {
    types,
    ...(carryMetadata && { carryMetadata }),
    ...(encryption && { encryption }),
    ...(compression && { compression }),
  };
}

/** Returns the name by which other systems know a system; undefined if it has none. */
export function servedNameOf({ name }: Pick<System, 'name'>): string | undefined {
  return name !== defaultSystemName && isSystemName(name) ? name : undefined;
}

/** Returns the layers around the storage of a system. */
export function layersOf(system: System): readonly StorageLayer[] {
  return storageLayers(system.applications, recordingOptions(system), servedNameOf(system));
}

/** Throws {@link UnknownApplicationError} unless the class is an application of the system. */
export function assertPartOf(system: System, applicationClass: ApplicationClass): void {
  const { applications } = system;
  if (applications.includes(applicationClass)) return;
  const { applicationName } = (applicationClass ?? {}) as Partial<ApplicationClass>;
  const isNamesake = applications.some(
    ({ name, applicationName: knownName }) =>
      knownName === applicationName && name === applicationClass?.name,
  );
  const remote = applications.find(
    (one) => one.remote !== undefined && foreignLog(one.applicationName)?.applicationName === applicationName,
  );
  if (typeof applicationClass === 'function' && remote !== undefined) {
    throw new UnknownApplicationError(
      `Application '${remote.applicationName}' runs in another system: pass the class that remote() returned, not ` +
        `${shown(applicationClass)} itself.`,
    );
  }
  if (typeof applicationClass === 'function' && isNamesake) {
    throw new UnknownApplicationError(
      `This ${shown(applicationClass)} is not the class of application '${applicationName}' in this system. If its module ` +
        'was loaded twice, import it by one path.',
    );
  }
  const names = applications.map((application) => application.name).join(', ');
  throw new UnknownApplicationError(
    `${shown(applicationClass)} is not part of this system. Its applications are: ${names}.`,
  );
}

function assertModule(module: unknown): void {
  if (typeof module === 'string' && URL.canParse(module)) return;
  throw new InvalidSystemError(
    "Expected option 'module' of System.of() to be the URL of the module that exports the system, " +
      `import.meta.url, got ${inspect(module)}.`,
  );
}

function assertName(name: unknown): void {
  if (isId(name)) return;
  throw new InvalidSystemError(
    `Expected option 'name' of System.of() to be a non-empty string, got ${inspect(name)}.`,
  );
}

function listsOf(pipelines: readonly Pipeline[]): readonly (readonly ApplicationClass[])[] {
  if (!Array.isArray(pipelines) || pipelines.length === 0) {
    throw new InvalidSystemError(
      'System.of() takes one array of pipelines, as in System.of([[Orders, Reservations, Orders]]).',
    );
  }
  if (pipelines.length > 1 && !pipelines.some(Array.isArray)) {
    const names = pipelines.map(shown);
    const separate = [...new Set(names)].map((name) => `[${name}]`).join(', ');
    throw new InvalidSystemError(
      `System.of([${names.join(', ')}]) connects nothing. For one pipeline, write System.of([[${names.join(', ')}]]); for ` +
        `applications that follow no other, write System.of([${separate}]).`,
    );
  }
  return pipelines.map((pipeline, i) => {
    const classes: readonly ApplicationClass[] = Array.isArray(pipeline) ? pipeline : [pipeline];
    if (classes.length === 0)
      throw new InvalidSystemError(`Pipeline ${i + 1} is empty: put at least one application class in it.`);
    for (const [k, applicationClass] of classes.entries())
      assertApplication(applicationClass, `element ${k + 1} of pipeline ${i + 1}`);
    return classes;
  });
}

function assertApplication(applicationClass: unknown, where: string): void {
  if (typeof applicationClass === 'function' && applicationClass.prototype instanceof Application) {
    assertDeclared(applicationClass as unknown as ApplicationClass);
    return;
  }
  const other = kindInOtherCopy(applicationClass);
  const hint =
    applicationClass === undefined ? ' Do the modules of the classes import each other in a circle?' : '';
  throw new InvalidSystemError(
    `Expected ${where} to be a class that extends Application or ProcessApplication, got ${shown(applicationClass)}` +
      `${other === undefined ? '' : `, ${other}`}.${hint}`,
  );
}

/** Name of a class, for messages. */
function shown(value: unknown): string {
  return typeof value === 'function' && value.name !== '' ? value.name : inspect(value, { depth: 0 });
}
