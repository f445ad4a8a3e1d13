import { PositionConflictError } from '../../storage/errors.ts';
import type { RecordedPosition } from '../../storage/recorder.ts';
import { detailsOf, operationOf } from '../control/operation-kinds.ts';
import { readOperations } from '../control/read-operations.ts';
import { MarkedTracking } from '../log/mark.ts';
import type { NotificationLog } from '../log/notification-log.ts';
import { lastBefore, type PlaceInLog, textOfPlace } from '../log/place-in-log.ts';
import { BoundedLock } from '../recording/bounded-lock.ts';
import type { EventStore } from '../recording/event-store.ts';

/** Where an application begins in the logs of upstreams that it has never followed: in all of them, or by their names. */
export type Beginnings = PlaceInLog | { readonly [upstreamName: string]: PlaceInLog };

/** The static properties of a class that say where it begins. */
export interface BeginningDeclaration {
  readonly name: string;
  readonly begins?: Beginnings;
}

/** Returns where a class begins in the log of an upstream. */
export function beginningIn({ begins = 'start' }: BeginningDeclaration, upstreamName: string): PlaceInLog {
  if (typeof begins === 'string' || begins instanceof Date) return begins;
  return begins[upstreamName] ?? 'start';
}

/**
 * Records where an application begins in the log of an upstream, unless it follows that log already: its position behind
 * the last notification before the beginning, and an operation that says why. Later changes of the class have no effect.
 * Runners that start at the same time agree on one beginning.
 */
export async function recordBeginning(
  declaration: BeginningDeclaration,
  store: EventStore,
  log: NotificationLog,
): Promise<void> {
  const beginning = beginningIn(declaration, log.applicationName);
  if (beginning === 'start' || (await hasBegun(store, log))) return;
  const last = await lastBefore(beginning, log); // before the lock is taken, because a search for a time may be long
  const lock = await BoundedLock.take(store);
  try {
    if (await hasBegun(store, log)) return;
    const { pipelineId, recordedNameOf } = store;
    const { applicationName } = log;
    const begins = textOfPlace(beginning);
    const details = { pipelineId, upstreamName: recordedNameOf(applicationName), to: last?.id ?? 0, begins };
    const by = `class ${declaration.name}`;
    const reason = `It begins at '${begins}' in the log of '${applicationName}'.`;
    const operation = operationOf('begin', { by, reason }, details);
    const tracking = new MarkedTracking(applicationName, 0, last, 0);
    await (lock ?? store.recorder).record(pipelineId, [{ events: [], snapshots: [], tracking, operation }]);
  } catch (error) {
    if (!(error instanceof PositionConflictError)) throw error; // another runner was first
  } finally {
    await lock?.release();
  }
}

/** Whether an application follows a log already, or its beginning in that log is recorded. */
async function hasBegun(
  { recorder, pipelineId, recordedNameOf }: EventStore,
  { applicationName }: NotificationLog,
): Promise<boolean> {
  if (isFollowed(await recorder.position(pipelineId, applicationName))) return true;
  const upstreamName = recordedNameOf(applicationName);
  for await (const page of readOperations(recorder))
    for (const operation of page) {
      const begun = detailsOf(operation, 'begin');
      if (begun?.pipelineId === pipelineId && begun.upstreamName === upstreamName) return true;
    }
  return false;
}

function isFollowed({ position, typesVersion, mark }: RecordedPosition): boolean {
  return position > 0 || typesVersion > 0 || mark !== undefined;
}
