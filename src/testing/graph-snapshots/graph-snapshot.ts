import type { ApplicationClass } from '../../application/application.ts';
import { textOfPlace } from '../../application/log/place-in-log.ts';
import { beginningIn } from '../../application/replaying/beginning.ts';
import { specificationOf, storedTypesOf } from '../../domain/events/define-events.ts';
import { unloggedTypes } from '../../domain/events/unlogged-types.ts';
import { assertSystem, type System } from '../../system/system.ts';
import { InvalidArgumentError } from '../../util/options.ts';

/** What a snapshot holds of one application. All lists are sorted. */
export interface ApplicationSnapshot {
  /** Name under which storage keeps the log, if it is another one. */
  readonly recordedAs?: string;
  /** Whether another system runs the application. */
  readonly remote?: true;
  /** Schema of a projection. */
  readonly schema?: number;
  /** Types of events as they are recorded, with their versions. */
  readonly emits: readonly string[];
  /** Types as which earlier code recorded events, and which are read. */
  readonly reads?: readonly string[];
  /** Types of events that get no place in the log. */
  readonly unlogged?: readonly string[];
  /** Whether the policy also handles the events that it makes. */
  readonly handlesOwnEvents?: true;
  /** Where the application begins in the log of an upstream, by the name of the upstream, if not at the start. */
  readonly begins?: Readonly<Record<string, string>>;
  /** Types of events that the application handles, by the name of the upstream. */
  readonly follows: Readonly<Record<string, readonly string[]>>;
}

/** Applications of a system and what each follows, by name. */
export type GraphSnapshot = ReadonlyMap<string, ApplicationSnapshot>;

/**
 * Describes the applications of a system, the types of their events, and who handles which of them, as sorted JSON. The
 * order of the pipelines does not matter.
 *
 * @throws {@link InvalidArgumentError} if `system` is not a system.
 * @example
 * const graph = JSON.parse(describeGraph(shop));
 * expect(graph.payments).toEqual({ emits: ['Payment.Created'], follows: { orders: ['Order.Reserved'] } });
 */
export function describeGraph(system: System): string {
  assertSystem(system, 'describeGraph()', 'describeGraph(shop)');
  return `${JSON.stringify(Object.fromEntries(graphSnapshotOf(system)), undefined, 2)}\n`;
}

/** Returns the snapshot of a system. */
export function graphSnapshotOf({ applications, graph }: System): GraphSnapshot {
  const snapshots = (applications as readonly ApplicationClass[]).map((applicationClass) => {
    const { applicationName } = applicationClass;
    const follows = graph.edges
      .filter(({ downstream }) => downstream === applicationName)
      .map(({ upstream, eventTypes }) => [upstream, [...eventTypes].sort()] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    return [applicationName, snapshotOf(applicationClass, Object.fromEntries(follows))] as const;
  });
  return new Map(snapshots.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function snapshotOf(
  applicationClass: ApplicationClass,
  follows: ApplicationSnapshot['follows'],
): ApplicationSnapshot {
  const { emits, recordedAs, remote, applyPolicyToGeneratedEvents } = applicationClass;
  const { schema } = applicationClass as { readonly schema?: number };
  const versions = specificationOf(emits)?.versions;
  const recorded = emits.map((type) => versions?.storedTypeOf(type) ?? type).sort();
  const reads = storedTypesOf(emits)
    .filter((type) => !recorded.includes(type))
    .sort();
  const unlogged = unloggedTypes(emits);
  const begins = Object.keys(follows)
    .map((upstream) => [upstream, textOfPlace(beginningIn(applicationClass, upstream))] as const)
    .filter(([, place]) => place !== 'start');
  return {
    ...(recordedAs !== undefined && schema === undefined && { recordedAs }),
    ...(remote !== undefined && { remote: true }),
    ...(schema !== undefined && { schema }),
    emits: recorded,
    ...(reads.length > 0 && { reads }),
    ...(unlogged !== undefined && { unlogged: [...unlogged].sort() }),
    ...(applyPolicyToGeneratedEvents === true && { handlesOwnEvents: true }),
    ...(begins.length > 0 && { begins: Object.fromEntries(begins) }),
    follows,
  };
}

/** @throws {@link InvalidArgumentError} if a text is not what {@link describeGraph} returns. */
export function parseGraph(text: string, where: string): GraphSnapshot {
  const refusal = `${where} is no result of describeGraph(). Update the snapshot.`;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new InvalidArgumentError(refusal, { cause });
  }
  if (!isObject(parsed) || Array.isArray(parsed)) throw new InvalidArgumentError(refusal);
  const entries = Object.entries(parsed as Record<string, ApplicationSnapshot | null>);
  if (!entries.every(([, one]) => Array.isArray(one?.emits) && isObject(one.follows)))
    throw new InvalidArgumentError(refusal);
  return new Map(entries as [string, ApplicationSnapshot][]);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
