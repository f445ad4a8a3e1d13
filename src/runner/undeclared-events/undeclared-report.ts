import { setTimeout as delay } from 'node:timers/promises';
import type { EventStore } from '../../application/recording/event-store.ts';
import { storedTypesOf } from '../../domain/events/define-events.ts';
import { messageOf } from '../../util/errors.ts';
import { InvalidOptionError } from '../../util/options.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { publish } from '../diagnostics.ts';
import { textOf, type UndeclaredTypes, UndeclaredTypesError } from './errors.ts';
import { countUndeclared } from './type-scan.ts';

/** Multiple of the time of a count for which the next count waits, so that counts take 2 % of the time. */
const restPerCount = 50;

/** What is counted, and for which runner. */
export interface Counting {
  readonly stores: Iterable<EventStore>;
  readonly pipelineIds: readonly number[];
  /** Name of the runner's class. */
  readonly runner: string;
  readonly signal: AbortSignal | undefined;
}

/**
 * Counts all events before a system starts.
 *
 * @throws {@link UndeclaredTypesError} if a type is not declared.
 * @throws {@link InvalidOptionError} if the storage does not count types.
 */
export async function assertAllDeclared(counting: Counting): Promise<void> {
  for (const { applicationName, recorder } of counting.stores) {
    if (recorder.countTypes !== undefined) continue;
    throw new InvalidOptionError(
      `The storage of '${applicationName}' does not count types of events: start the runner without undeclaredEvents: 'refuse'.`,
    );
  }
  const found = await undeclaredIn(counting, yieldIfBusy);
  if (found.length > 0) throw new UndeclaredTypesError(found);
}

/** Counts events in the background, and emits a process warning if types are not declared. Never throws. */
export async function warnOfUndeclared(counting: Counting & { readonly signal: AbortSignal }): Promise<void> {
  const { signal } = counting;
  try {
    const rest = (ms: number) => delay(ms * restPerCount, undefined, { signal, ref: false });
    const found = await undeclaredIn(counting, rest);
    if (found.length > 0) warn(textOf(found));
  } catch (error) {
    if (!signal.aborted) warn(`The types of recorded events could not be counted: ${messageOf(error)}`);
  }
}

/** Returns the undeclared types of each log that has some, and publishes them. */
async function undeclaredIn(
  { stores, pipelineIds, runner, signal }: Counting,
  rest: (ms: number) => Promise<void>,
): Promise<readonly UndeclaredTypes[]> {
  const found: UndeclaredTypes[] = [];
  const pause = async (ms: number) => {
    await rest(ms);
    signal?.throwIfAborted();
  };
  for (const { applicationName, recorder, emits } of stores) {
    const { countTypes } = recorder;
    if (countTypes === undefined) continue;
    const declared = new Set(storedTypesOf(emits));
    for (const pipelineId of pipelineIds) {
      await pause(0);
      const counts = await countUndeclared(
        { countTypes: countTypes.bind(recorder) },
        pipelineId,
        declared,
        pause,
      );
      if (counts.size === 0) continue;
      const types = Array.from(counts, ([type, count]) => ({ type, count })).sort(
        (a, b) => b.count - a.count,
      );
      found.push({ applicationName, pipelineId, types });
      publish('undeclared', { runner, applicationName, pipelineId, types });
    }
  }
  return found;
}

function warn(message: string): void {
  process.emitWarning(message, { type: 'KahnWarning', code: 'KAHN_UNDECLARED_EVENTS' });
}
