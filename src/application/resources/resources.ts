import { markClass } from '../../util/environment/copies.ts';
import { kindOf } from '../../util/errors.ts';
import { assertFunction, InvalidArgumentError } from '../../util/options.ts';

/** What a function that opens a resource is called with. */
export interface ResourceContext<Earlier extends object = object> {
  /** Resources that are opened before, see {@link Resources.and}. */
  readonly resources: Earlier;
  /** Aborted when the start is cancelled, or when the thread or process must end. */
  readonly signal: AbortSignal;
  /**
   * Calls a function when the resource is closed, in place of its method `Symbol.asyncDispose` or `Symbol.dispose`.
   * Several functions are called in reverse order, also if the resource fails to open afterwards.
   */
  onClose(close: () => unknown): void;
}

/** Opens a resource, or resolves with it. */
export type OpenResource<Earlier extends object = object> = (context: ResourceContext<Earlier>) => unknown;

/** Functions that open resources, by the names of the resources. */
export type ResourceDefinitions<Earlier extends object = object> = Readonly<
  Record<string, OpenResource<Earlier>>
>;

/** The resources that some functions open, by their names. */
export type OpenedBy<Definitions> = {
  readonly [Name in keyof Definitions]: Definitions[Name] extends (...args: never) => infer Opened
    ? Awaited<Opened>
    : never;
};

/** Definitions of the resources of a system, made by {@link defineResources}. */
export class Resources<out Opened extends object = object> {
  readonly #definitions: ReadonlyMap<string, OpenResource>;

  /** @internal */
  constructor(definitions: ReadonlyMap<string, OpenResource>) {
    this.#definitions = definitions;
  }

  /**
   * Adds resources that are opened after these ones and use them.
   *
   * @example
   * defineResources({ settings: () => ({ file: 'prices.db' }) }).and({
   *   prices: ({ resources }) => new DatabaseSync(resources.settings.file),
   * });
   * @throws {@link InvalidArgumentError} if a definition is not a function, or the name is taken.
   */
  and<const Definitions extends ResourceDefinitions<Opened>>(
    definitions: Definitions,
  ): Resources<Opened & OpenedBy<Definitions>> {
    const added = entriesOf(definitions as ResourceDefinitions<never>);
    for (const [name] of added) {
      if (this.#definitions.has(name))
        throw new InvalidArgumentError(`Resource '${name}' is defined twice: give one of them another name.`);
    }
    return new Resources(new Map([...this.#definitions, ...added]));
  }

  /** Names of the resources, in the order in which they are opened. */
  get names(): readonly string[] {
    return [...this.#definitions.keys()];
  }

  /** The functions that open the resources, in order. @internal */
  get definitions(): ReadonlyMap<string, OpenResource> {
    return this.#definitions;
  }

  static {
    markClass(Resources);
  }
}

/** The resources of some definitions, as handlers and commands get them. */
export type ResourcesOf<Defined extends Resources> = Defined extends Resources<infer Opened> ? Opened : never;

/**
 * Defines the resources of a system: what its applications need and what lives as long as a runner, such as a database
 * handle, an HTTP client or settings. Each thread and process opens its own, in this order, before an application runs,
 * and closes them in reverse order after its applications.
 *
 * @example
 * export const resources = defineResources({
 *   rates: async () => new Map([['EUR', 1], ['USD', 0.9]]),
 *   prices: () => new DatabaseSync(':memory:'), // closed by its method Symbol.dispose
 * });
 * export type ShopResources = ResourcesOf<typeof resources>;
 * @throws {@link InvalidArgumentError} if a definition is not a function.
 */
export function defineResources<const Definitions extends ResourceDefinitions>(
  definitions: Definitions,
): Resources<OpenedBy<Definitions>> {
  return new Resources(new Map(entriesOf(definitions)));
}

function entriesOf(definitions: ResourceDefinitions<never>): readonly (readonly [string, OpenResource])[] {
  if (typeof definitions !== 'object' || definitions === null || Array.isArray(definitions)) {
    throw new InvalidArgumentError(
      'Expected functions that open resources, by name, as in defineResources({ mail: () => connect() }), ' +
        `got ${kindOf(definitions)}.`,
    );
  }
  const entries = Object.entries(definitions) as [string, OpenResource][];
  for (const [name, open] of entries) assertFunction(open, `the definition of resource '${name}'`);
  return entries;
}
