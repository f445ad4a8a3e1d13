import { type Aggregate, type AggregateClass, aggregateInternals } from '../../domain/aggregate.ts';
import { RecordConflictError } from '../../storage/errors.ts';
import { kindOf } from '../../util/errors.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import { type Backoff, backOff } from '../../util/retry.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { AggregateNotFoundError } from '../errors.ts';
import type { CommitQueue } from '../recording/commit-queue.ts';
import type { EventStore } from '../recording/event-store.ts';
import { type RecordedSave, saveAggregates } from '../recording/save-aggregates.ts';
import { type CommandProvenance, commandProvenance } from '../recording/save-options.ts';
import type { AggregateTurns } from './aggregate-turns.ts';
import { UpdateConflictError } from './errors.ts';
import { type Updated, type UpdateOptions, updateOptionsOf } from './update-options.ts';

const backoff: Backoff = { firstMs: 2, maxMs: 100 };

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

/** A try that is recorded, and what its function returned. */
interface RecordedTry<Result> extends RecordedSave {
  readonly result: Result;
}

/** Implements {@link Application.update}. */
export async function updateAggregate<A extends Aggregate, Result>(
  parts: UpdateParts,
  update: Update<A, Result>,
  options: UpdateOptions<A>,
): Promise<Updated<Awaited<Result>>> {
  const { store, turns } = parts;
  const call = `update() of application '${store.applicationName}'`;
  const resolved = updateOptionsOf(options, call);
  assertFunction(update.change, call);
  const { retries, signal, create } = resolved;
  const provenance = await commandProvenance(resolved, store.mapper, 'update()');
  signal?.throwIfAborted();
  const endTurn = await turns.take(update.id, signal);
  let recorded: RecordedTry<Awaited<Result>> | undefined;
  try {
    for (let tries = 1; recorded === undefined; tries += 1) {
      const outcome = await tryUpdate(parts, update, create, provenance);
      if (!(outcome instanceof RecordConflictError)) recorded = outcome;
      else if (tries > retries) throw new UpdateConflictError(tries, outcome);
      else await backOff(tries, backoff, signal);
    }
  } finally {
    endTurn();
  }
  const { saved, followed, result } = recorded;
  if (followed !== undefined) await followed;
  return { ...saved, result };
}

/** Gets, changes and saves the aggregate. Resolves with the conflict if another writer has changed it meanwhile. */
async function tryUpdate<A extends Aggregate, Result>(
  { store, queue }: UpdateParts,
  update: Update<A, Result>,
  create: (() => A) | undefined,
  provenance: CommandProvenance,
): Promise<RecordedTry<Awaited<Result>> | RecordConflictError> {
  await yieldIfBusy();
  const aggregate = await aggregateOf(update, create, store);
  const result = await resultOf(update, aggregate);
  try {
    return { ...(await saveAggregates([aggregate], provenance, store, queue)), result };
  } catch (error) {
    aggregateInternals.undo(aggregate);
    if (error instanceof RecordConflictError) return error;
    throw error;
  }
}

/** Calls the function. The aggregate cannot be changed afterwards: that would not be recorded. */
async function resultOf<A extends Aggregate, Result>(
  update: Update<A, Result>,
  aggregate: A,
): Promise<Awaited<Result>> {
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
