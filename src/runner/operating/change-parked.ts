import { type Application, applicationInternals } from '../../application/application.ts';
import { operationOf } from '../../application/control/operation-kinds.ts';
import { readParked } from '../../application/parking/parked-set.ts';
import { ParkedConflictError } from '../../storage/errors.ts';
import type { ParkedChange, ParkedNotification } from '../../storage/parked.ts';
import type { OperationOptions } from './operation-options.ts';
import { type ParkedFilter, selectedReason } from './parked-filter.ts';

/** What is done to parked notifications. */
export type ParkedOperation = 'retry' | 'discard';

/** Largest number of notifications that are changed in one transaction, and named in one operation. */
const mostAtOnce = 100;
/** Most tries of a transaction that conflicts with a follower, which changes parked notifications, too. */
const maxTries = 20;

/**
 * Makes parked notifications of an application in one pipeline due, or deletes them, and records who did it and why: some
 * in each transaction. Resolves with their number.
 */
export async function changeParked(
  application: Application,
  kind: ParkedOperation,
  filter: ParkedFilter,
  { signal, ...because }: OperationOptions,
): Promise<number> {
  const { pipelineId } = application;
  const { recorder } = applicationInternals.storeOf(application);
  const change = async (parked: readonly ParkedNotification[]) => {
    signal?.throwIfAborted();
    const notifications = parked.map(({ upstreamName, notificationId }) => ({
      upstreamName,
      notificationId,
    }));
    const operation = operationOf(kind, because, { pipelineId, notifications });
    const changes = parked.map((one) => changeOf(kind, one));
    await recorder.record(pipelineId, [{ events: [], snapshots: [], operation, parked: changes }]);
    return parked.length;
  };
  let count = 0;
  for (let after = 0, tries = 1; ; ) {
    const found = await nextSelected(application, kind, filter, after);
    if (found.length === 0) return count;
    try {
      count += await change(found);
      after = found.at(-1)?.id ?? after;
      tries = 1;
    } catch (error) {
      if (!(error instanceof ParkedConflictError) || tries >= maxTries) throw error;
      tries += 1; // a follower was first: what is left is read again
    }
  }
}

/** Reads the next notifications that a filter selects, and that are not due already if they are to be. */
async function nextSelected(
  application: Application,
  kind: ParkedOperation,
  filter: ParkedFilter,
  after: number,
): Promise<readonly ParkedNotification[]> {
  const { recorder } = applicationInternals.storeOf(application);
  const found: ParkedNotification[] = [];
  const upstreamName = filter.upstream?.applicationName;
  for await (const parked of readParked(recorder, application.pipelineId, upstreamName, after)) {
    if (kind === 'retry' && parked.isDue) continue;
    if (selectedReason(filter, parked) === undefined) continue;
    found.push(parked);
    if (found.length === mostAtOnce) break;
  }
  return found;
}

function changeOf(kind: ParkedOperation, parked: ParkedNotification): ParkedChange {
  const { upstreamName, notificationId, revision: expected } = parked;
  const { originatorId, attempts, since, reason } = parked;
  const content = kind === 'retry' ? { originatorId, attempts, since, reason, isDue: true } : undefined;
  return { upstreamName, notificationId, expected, content };
}
