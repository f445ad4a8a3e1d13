import { ControlLog } from '../application/control/control-log.ts';
import { operationOf, type Replay } from '../application/control/operation-kinds.ts';
import { TypeGate } from '../application/following/type-gate.ts';
import { ceilingOf, MarkedTracking } from '../application/log/mark.ts';
import type { NotificationLog } from '../application/log/notification-log.ts';
import type { PlaceInLog } from '../application/log/place-in-log.ts';
import type { Policy } from '../application/policy/policy.ts';
import { BoundedLock } from '../application/recording/bounded-lock.ts';
import type { EventStore } from '../application/recording/event-store.ts';
import { positionNameOf } from '../application/replaying/repetitions.ts';
import { newId } from '../util/ids.ts';
import { InvalidArgumentError } from '../util/options.ts';
import { notificationAt } from './followed-log.ts';
import { assertNotReplayed } from './reset.ts';

/** A replay of events of an upstream to an application. */
export interface ReplayRequest {
  readonly store: EventStore;
  readonly policy: Policy;
  /** Log of the upstream. */
  readonly log: NotificationLog;
  /** Types of the events; undefined for all that the policy handles. */
  readonly types: readonly string[] | undefined;
  /** Id of the first notification, or the place before it. */
  readonly from: number | PlaceInLog;
  /** Id of the last notification, or the place behind it. Default: the position of the application. */
  readonly to: number | PlaceInLog | undefined;
  readonly sideEffects: boolean;
  readonly by: string;
  readonly reason: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Records a replay and its position, which followers on all hosts find within about a second. Resolves with the id of the
 * replay.
 */
export async function requestReplay(request: ReplayRequest): Promise<string> {
  const { store, policy, log, types, by, reason, signal } = request;
  const { recorder, pipelineId, recordedNameOf } = store;
  const { applicationName } = log;
  const id = newId();
  const positionName = positionNameOf({ id });
  const { before, last } = await boundsOf(request);
  const gate = new TypeGate(policy, log.emits, store.mapperOf(applicationName, log.emits));
  // Another version of the application must not pass the events of a handler that it lacks.
  const typesVersion = await recorder.recordHandledTypes(pipelineId, positionName, 0, gate.handledTypes);
  const lock = await BoundedLock.take(store, signal);
  try {
    await assertNotReplayed(store, applicationName);
    const recorded = await recorder.position(pipelineId, applicationName);
    assertNotReset(store, applicationName, ceilingOf(recorded), recorded.position);
    const from = before?.id ?? 0;
    const to = Math.max(Math.min(last, recorded.position), from);
    const upstreamName = recordedNameOf(applicationName);
    const { sideEffects } = request;
    const replay: Replay = { id, pipelineId, upstreamName, types, from, to, sideEffects };
    const ownHead = await recorder.head(pipelineId);
    const operation = operationOf('replay', { by, reason }, { ...replay, ownHead });
    const tracking = new MarkedTracking(positionName, 0, before, typesVersion, to);
    await (lock ?? recorder).record(pipelineId, [{ events: [], snapshots: [], tracking, operation }]);
  } finally {
    await lock?.release().catch(() => {}); // the transaction ends with its connection
  }
  await ControlLog.of(recorder).refresh();
  return id;
}

/** Reads the notification before the first one of a replay, and the id of the last one. */
async function boundsOf({ log, from, to }: ReplayRequest) {
  const what = (option: string) => `option '${option}' of replay()`;
  const start = typeof from === 'number' ? from - 1 : from;
  const whatStart = `the notification before ${what('from')}${typeof from === 'number' ? ` (${from})` : ''}`;
  const before = await notificationAt(start, log, whatStart);
  const last = to === undefined ? Infinity : ((await notificationAt(to, log, what('to')))?.id ?? 0);
  return { before, last };
}

function assertNotReset(store: EventStore, upstreamName: string, ceiling: number, position: number): void {
  if (ceiling === 0) return;
  const { applicationName, pipelineId } = store;
  throw new InvalidArgumentError(
    `Application '${applicationName}' processes the log of '${upstreamName}' in pipeline ${pipelineId} again after a ` +
      `reset, and is at notification ${position} of ${ceiling}. Replay events when it has finished.`,
  );
}
