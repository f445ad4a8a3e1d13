import { InvalidPolicyError } from '../errors.ts';

/** What the handlers of a policy use beside events and aggregates. */
export interface PolicyNeeds {
  /** Resources of the system, made by {@link defineResources}. */
  readonly resources?: unknown;
  /** Handle of the database driver by which the policy records rows. */
  readonly rows?: unknown;
}

/** Resources that some needs name; unknown if they name none. */
export type ResourcesIn<Needs extends PolicyNeeds> = Needs extends { readonly resources: infer Resources }
  ? Resources
  : unknown;

/** Type of the handle by which rows are recorded and read. */
export type RowsOf<Needs extends PolicyNeeds> = Needs extends { readonly rows: infer Handle }
  ? Handle
  : unknown;

/** The third argument of a handler: what it may use while it handles one event. */
export interface PolicyContext<Needs extends PolicyNeeds = PolicyNeeds> {
  /** Resources of the system. */
  readonly resources: ResourcesIn<Needs>;
  /** Aborted when the handler must end, because its time is over or the runner closes. */
  readonly signal: AbortSignal;
  /** Whether the event is handled again by a replay. */
  readonly isReplay: boolean;
  /** Whether the handler may call other systems: false in a replay that was asked to leave out side effects. */
  readonly sideEffects: boolean;
  /**
   * Resolves with the handle of the database driver. What is written with it is recorded together with the events of the
   * policy and the position, or not at all.
   */
  rows(): Promise<RowsOf<Needs>>;
}

/** Parts of the context of a batch of notifications. */
export interface PolicyContextParts {
  readonly applicationName: string;
  readonly resources?: unknown;
  readonly isReplay?: boolean;
  readonly sideEffects?: boolean;
  /** @default a signal that is never aborted */
  readonly signal?: AbortSignal | undefined;
  /** Resolves with the handle of the transaction in which the batch is recorded. @default rows are refused */
  rows?(): Promise<unknown>;
}

/** The context that the handlers of a batch share. */
export class BatchContext implements PolicyContext {
  readonly resources: unknown;
  readonly isReplay: boolean;
  readonly sideEffects: boolean;
  readonly rows: () => Promise<unknown>;
  #signal: AbortSignal | undefined;

  constructor(parts: PolicyContextParts) {
    this.resources = parts.resources;
    this.isReplay = parts.isReplay ?? false;
    this.sideEffects = parts.sideEffects ?? true;
    this.#signal = parts.signal;
    this.rows = parts.rows ?? refusedIn(parts.applicationName);
  }

  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal;
    return this.#signal;
  }
}

function refusedIn(applicationName: string): () => Promise<never> {
  const message = `The policy of '${applicationName}' called rows() in a direct call, where no transaction is open.`;
  return () => Promise.reject(new InvalidPolicyError(message));
}
