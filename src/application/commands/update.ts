import { type Aggregate, type AggregateClass, aggregateInternals } from '../../domain/aggregate.ts';
import { NotEncodableError } from '../../storage/codec/errors.ts';
import { RecordConflictError } from '../../storage/errors.ts';
import { kindOf } from '../../util/errors.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import { type Backoff, backOff } from '../../util/retry.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { AggregateNotFoundError } from '../errors.ts';
import { whenSealed } from '../personal/seal-personal.ts';
import { assertOutsideOfPolicies } from '../policy/current-policy.ts';
import type { CommitQueue, Commits } from '../recording/commit-queue.ts';
import type { EventStore } from '../recording/event-store.ts';
import { saveAggregates } from '../recording/save-aggregates.ts';
import { assertHasKey, type CommandProvenance, commandProvenance } from '../recording/save-options.ts';
import type { AggregateTurns } from './aggregate-turns.ts';
import { ResultNotEncodableError, UpdateConflictError } from './errors.ts';
import {
  fingerprintOf,
  firstOutcome,
  type KeyedCommand,
  keyedCommand,
  OnceRecordedSave,
} from './keyed-command.ts';
import { type Updated, type UpdateOptions, updateOptionsOf } from './update-options.ts';

const backoff: Backoff = { firstMs: 2, maxMs: 100 };

/** Number of races lost in a row after which a try takes the write lock of the application. */
const racesBeforeLock = 3;

/** What an update is recorded with. */
export interface UpdateParts {
  readonly store: EventStore;
  readonly queue: CommitQueue;
  readonly turns: AggregateTurns;
}

/** The aggregate to update, and the function that changes it. */
export interface Update<A extends Aggregate, Result> {
  readonly aggregateClass: AggregateClass<A>;
  readonly id: string;
  change(aggregate: A): Result;
}

/** What the tries of an update have in common. */
interface Attempt<A extends Aggregate> {
  readonly store: EventStore;
  readonly update: Update<A, unknown>;
  readonly create: (() => A) | undefined;
  readonly provenance: CommandProvenance;
  readonly keyed: KeyedCommand | undefined;
}

/**
 * Implements {@link Application.update}.
 *
 * @throws {@link SaveInPolicyError} if a policy makes the call.
 */
export async function updateAggregate<A extends Aggregate, Result>(
  parts: UpdateParts,
  update: Update<A, Result>,
  options: UpdateOptions<A>,
): Promise<Updated<Awaited<Result>>> {
  const { store, queue, turns } = parts;
  const { id } = update;
  assertOutsideOfPolicies(store.applicationName, 'update()');
  const call = `update() of application '${store.applicationName}'`;
  const resolved = updateOptionsOf(options, call);
  assertHasKey(resolved, call);
  assertFunction(update.change, call);
  const { retries, signal, create } = resolved;
  const encoding = whenSealed(store.mapper, () => {
    const provenance = commandProvenance(resolved, store.mapper, 'update()');
    const command = keyedCommand(resolved, store, provenance.correlationId, 'update()');
    return { provenance, keyed: command && { ...command, updatedId: id } };
  });
  const encoded = encoding instanceof Promise ? await encoding : encoding;
  const attempt: Attempt<A> = { store, update, create, ...encoded };
  signal?.throwIfAborted();
  const endTurn = await turns.take(id, signal);
  try {
    for (let tries = 1; ; tries += 1) {
      const outcome = await (tries <= racesBeforeLock
        ? tryUpdate(attempt, queue, endTurn)
        : tryAlone(attempt, queue, endTurn, signal));
      if (!(outcome instanceof RecordConflictError)) return outcome as Updated<Awaited<Result>>;
      if (tries > retries) throw new UpdateConflictError(tries, outcome);
      await backOff(tries, backoff, signal);
    }
  } finally {
    endTurn();
  }
}

/** Makes a try while no other writer records, if the storage has a write lock. */
function tryAlone<A extends Aggregate>(
  attempt: Attempt<A>,
  queue: CommitQueue,
  endTurn: () => void,
  signal: AbortSignal | undefined,
): Promise<Updated<unknown> | RecordConflictError> {
  return queue.exclusively((commits, recorded) => {
    const onRecorded = () => {
      endTurn();
      recorded();
    };
    return tryUpdate(attempt, commits, onRecorded);
  }, signal);
}

/**
 * Gets, changes and saves the aggregate, unless an earlier command with the key has done so. Resolves with the conflict if
 * another writer has changed the aggregate meanwhile.
 *
 * @param recorded Called when the events are recorded.
 */
async function tryUpdate<A extends Aggregate>(
  { store, update, create, provenance, keyed }: Attempt<A>,
  commits: Commits,
  recorded: () => void,
): Promise<Updated<unknown> | RecordConflictError> {
  await yieldIfBusy();
  const first = keyed && (await firstOutcome(keyed, fingerprintOf(keyed)));
  if (first !== undefined) {
    recorded();
    await commits.followAgain(first.saved);
    return { ...first.saved, result: first.result };
  }
  const aggregate = await aggregateOf(update, create, store);
  const result = await resultOf(update, aggregate);
  try {
    const encode = () => resultText(result, update.id, store);
    const save = keyed && new OnceRecordedSave(keyed, await whenSealed(store.mapper, encode));
    const saved = await saveAggregates([aggregate], provenance, store, commits, { keyed: save, recorded });
    return { ...saved, result: save?.first === undefined ? result : save.first.result };
  } catch (error) {
    aggregateInternals.undo(aggregate);
    if (error instanceof RecordConflictError) return error;
    throw error;
  }
}

/** Encodes what an update returned; undefined for nothing. */
function resultText(
  result: unknown,
  id: string,
  { applicationName, mapper }: EventStore,
): string | undefined {
  if (result === undefined) return undefined;
  try {
    return mapper.toStoredState(result);
  } catch (error) {
    if (!(error instanceof NotEncodableError)) throw error;
    throw new ResultNotEncodableError(applicationName, id, error);
  }
}

/** Calls the function. The aggregate cannot be changed afterwards: that would not be recorded. */
async function resultOf<A extends Aggregate>(update: Update<A, unknown>, aggregate: A): Promise<unknown> {
  try {
    const result = await update.change(aggregate);
    aggregateInternals.setReleased(aggregate, true);
    return result;
  } catch (error) {
    aggregateInternals.undo(aggregate);
    throw error;
  }
}

async function aggregateOf<A extends Aggregate>(
  { aggregateClass, id }: Update<A, unknown>,
  create: (() => A) | undefined,
  { applicationName, loader }: EventStore,
): Promise<A> {
  const found = await loader.load(aggregateClass, id);
  if (found !== undefined && !aggregateInternals.isDiscarded(found)) return found;
  if (create === undefined) throw new AggregateNotFoundError(applicationName, aggregateClass.name, id);
  const made = create();
  if (made instanceof aggregateClass && made.id === id) return made;
  const what = made instanceof aggregateClass ? `one with the id '${made.id}'` : kindOf(made);
  throw new InvalidArgumentError(
    `The option \`create\` of update() of application '${applicationName}' must make ${aggregateClass.name} '${id}', ` +
      `but returned ${what}.`,
  );
}

function assertFunction(change: unknown, call: string): void {
  if (typeof change === 'function') return;
  throw new InvalidArgumentError(
    `${call} takes a function that changes the aggregate, as in update(Order, id, (order) => order.pay()), not ${kindOf(change)}.`,
  );
}
