import { ControlLog } from '../application/control/control-log.ts';
import { ceilingOf } from '../application/log/mark.ts';
import type { NotificationLog } from '../application/log/notification-log.ts';
import type { PlaceInLog } from '../application/log/place-in-log.ts';
import { readParked } from '../application/parking/parked-set.ts';
import { BoundedLock } from '../application/recording/bounded-lock.ts';
import type { EventStore } from '../application/recording/event-store.ts';
import { PositionConflictError } from '../storage/errors.ts';
import { InvalidArgumentError } from '../util/options.ts';
import { notificationAt } from './followed-log.ts';
import { movedPosition } from './move-position.ts';

/** A reset of the position of an application in the log of an upstream. */
export interface ResetRequest {
  readonly store: EventStore;
  /** Log of the upstream. */
  readonly log: NotificationLog;
  /** Last notification that counts as processed, or the place behind it. */
  readonly at: number | PlaceInLog;
  readonly by: string;
  readonly reason: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Moves the position of a running application, and records who did it and why, in one transaction. Followers on all hosts
 * read the position again. Resolves with the position before.
 */
export async function resetPosition({ store, log, at, signal, ...because }: ResetRequest): Promise<number> {
  const { recorder, pipelineId } = store;
  const { applicationName } = log;
  const to = await notificationAt(at, log, "option 'at' of reset()");
  for (;;) {
    const lock = await BoundedLock.take(store, signal); // so that no follower moves the position meanwhile
    try {
      await assertNotReplayed(store, applicationName);
      const from = await recorder.position(pipelineId, applicationName);
      await assertNoneParked(store, applicationName, to?.id ?? 0);
      const ceiling = Math.max(from.position, ceilingOf(from));
      const moved = await movedPosition(recorder, { from, to, ceiling, kind: 'reset', ...because });
      await (lock ?? recorder).record(pipelineId, [moved]);
      await ControlLog.of(recorder).refresh();
      return from.position;
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof PositionConflictError)) throw error;
    } finally {
      await lock?.release().catch(() => {}); // the transaction ends with its connection
    }
  }
}

/** Throws {@link InvalidArgumentError} if a notification behind the new position is parked: it is handled when it is retried. */
async function assertNoneParked(store: EventStore, upstreamName: string, position: number): Promise<void> {
  const { applicationName, recorder, pipelineId } = store;
  for await (const { notificationId } of readParked(recorder, pipelineId, upstreamName)) {
    if (notificationId <= position) continue;
    throw new InvalidArgumentError(
      `reset() cannot move '${applicationName}' back to ${position} in the log of '${upstreamName}', because notification ` +
        `${notificationId} is parked: retry or discard the parked notifications first.`,
    );
  }
}

/** Throws {@link InvalidArgumentError} while a replay of an upstream runs: both would hand the same events to the policy. */
export async function assertNotReplayed(store: EventStore, upstreamName: string): Promise<void> {
  const { applicationName, recorder, pipelineId, recordedNameOf } = store;
  const control = ControlLog.of(recorder);
  await control.refresh();
  const recordedName = recordedNameOf(upstreamName);
  const running = control.repetitions.runningIn(pipelineId).find((one) => one.upstreamName === recordedName);
  if (running === undefined) return;
  throw new InvalidArgumentError(
    `A replay of events of '${upstreamName}' to '${applicationName}' in pipeline ${pipelineId} is running: replay ` +
      `'${running.id}'. Wait until it has ended, or cancel it with cancelReplay().`,
  );
}
