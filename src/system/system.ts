import { Application, type ApplicationClass } from '../application/application.ts';
import {
  assertDeclared,
  type OpenApplicationOptions,
  type StoreOptions,
} from '../application/application-binding.ts';
import type { CustomType } from '../storage/codec/custom-type.ts';
import { memory } from '../storage/memory/index.ts';
import { assertStorage, type StorageDescription } from '../storage/storage.ts';
import { isId } from '../util/ids.ts';
import { assertOptions } from '../util/options.ts';
import { InvalidSystemError, SystemBoundError, UnknownApplicationError } from './errors.ts';
import { graphOf, type SystemGraph } from './graph.ts';
import type { ApplicationsIn, CheckedPipelines, Pipeline } from './pipeline.ts';

/** What belongs to a system besides its pipelines. */
export interface SystemOptions {
  /** The types of one's own that event data may hold; make them with `defineType`. */
  readonly types?: readonly CustomType[];
  /** `import.meta.url` of the module that exports it: where other threads and processes find it. */
  readonly module?: string;
  /** Tells it from other systems that the same module exports; `system` by default. */
  readonly name?: string;
}

/** The name of a system that was given none. */
export const defaultSystemName = 'system';

/**
 * Which applications there are and who follows whom, without a word about where it is stored or how it is
 * run.
 *
 * @example
 * const shop = System.of([[Orders, Reservations, Orders], [Orders, Payments, Orders]]);
 */
export class System<Apps extends ApplicationClass = ApplicationClass> {
  /** The classes of the applications, in the order of definition. */
  readonly applications: readonly Apps[];
  readonly graph: SystemGraph;
  readonly types: readonly CustomType[];
  /** The storage it is bound to, if any. */
  readonly storage: StorageDescription | undefined;
  readonly name: string;
  /** The URL of the module that exports it, if it is known. */
  readonly module: string | undefined;

  private constructor(
    system: Pick<System<Apps>, 'applications' | 'graph' | 'types' | 'storage' | 'name' | 'module'>,
  ) {
    this.name = system.name;
    this.module = system.module;
    this.applications = system.applications;
    this.graph = system.graph;
    this.types = system.types;
    this.storage = system.storage;
  }

  /**
   * Defines a system by pipelines: in `[A, B, C]`, B follows A and C follows B. Each class is one
   * application, however often it is named; an application may follow itself, several others, and be
   * followed by several.
   *
   * The classes are constructed once to read their policies, so their constructors must only set fields.
   *
   * @throws InvalidSystemError if a pipeline, a class or an option is not fit for it.
   */
  static of<const Pipelines extends readonly Pipeline[]>(
    pipelines: Pipelines & CheckedPipelines<Pipelines>,
    options: SystemOptions = {},
  ): System<ApplicationsIn<Pipelines>> {
    assertOptions(options, ['types', 'module', 'name'], 'System.of()');
    const { types = [], module, name = defaultSystemName } = options;
    assertLocation(module, name);
    const lists = listsOf(pipelines);
    const applications = distinctClasses(lists.flat()) as ApplicationsIn<Pipelines>[];
    const graph = graphOf(applications, lists);
    return new System({ applications, graph, types, module, name, storage: undefined });
  }

  /** The same system with the storage it is to be run on. Throws {@link SystemBoundError} if it has one. */
  bind(storage: StorageDescription): System<Apps> {
    if (this.storage !== undefined) {
      throw new SystemBoundError('This system is bound to storage already: bind the one it was made from.');
    }
    assertStorage(storage);
    return new System({ ...this, storage });
  }

  /** Opens one of its applications by itself, without a runner: nothing is followed. */
  async open<A extends Apps>(
    kind: A,
    options: StoreOptions & { readonly storage?: StorageDescription } = {},
  ): Promise<InstanceType<A>> {
    assertPartOf(this, kind);
    const opened: OpenApplicationOptions = {
      ...options,
      types: this.types,
      storage: options.storage ?? this.storage ?? memory(),
    };
    return (await Application.open.call<ApplicationClass, [OpenApplicationOptions], Promise<Application>>(
      kind,
      opened,
    )) as InstanceType<A>;
  }
}

/** Throws {@link UnknownApplicationError} unless the class is an application of the system. */
export function assertPartOf(system: System, kind: ApplicationClass): void {
  const { applications } = system;
  if (applications.includes(kind)) return;
  const names = applications.map((application) => application.name).join(', ');
  throw new UnknownApplicationError(
    `${kind?.name} is not part of this system. Its applications are: ${names}.`,
  );
}

function assertLocation(module: unknown, name: unknown): void {
  if (module !== undefined && (typeof module !== 'string' || !URL.canParse(module))) {
    throw new InvalidSystemError(
      `The module of a system is the URL of the module that exports it, import.meta.url, not ${String(module)}.`,
    );
  }
  if (!isId(name)) throw new InvalidSystemError(`The name of a system is a text, not ${String(name)}.`);
}

function listsOf(pipelines: readonly Pipeline[]): readonly (readonly ApplicationClass[])[] {
  if (!Array.isArray(pipelines) || pipelines.length === 0) {
    throw new InvalidSystemError(
      'A system needs at least one pipeline, such as [[Orders, Reservations, Orders]].',
    );
  }
  return pipelines.map((pipeline, i) => {
    const classes: readonly ApplicationClass[] = Array.isArray(pipeline) ? pipeline : [pipeline];
    if (classes.length === 0)
      throw new InvalidSystemError(`Pipeline ${i + 1} is empty: name an application in it.`);
    for (const [k, kind] of classes.entries())
      assertApplication(kind, `Element ${k + 1} of pipeline ${i + 1}`);
    return classes;
  });
}

function assertApplication(kind: unknown, where: string): void {
  if (typeof kind === 'function' && kind.prototype instanceof Application) {
    assertDeclared(kind as unknown as ApplicationClass);
    return;
  }
  const shown = typeof kind === 'function' ? kind.name : typeof kind;
  throw new InvalidSystemError(
    `${where} is ${shown}, not a class that extends Application or ProcessApplication.`,
  );
}

function distinctClasses(classes: readonly ApplicationClass[]): ApplicationClass[] {
  const byName = new Map<string, ApplicationClass>();
  for (const kind of classes) {
    const known = byName.get(kind.applicationName);
    if (known !== undefined && known !== kind) {
      throw new InvalidSystemError(
        `Classes ${known.name} and ${kind.name} both have the applicationName '${kind.applicationName}': ` +
          'their logs would mix, so give one of them another name.',
      );
    }
    byName.set(kind.applicationName, kind);
  }
  return [...byName.values()];
}
