import { BoundedLock, type LockOwner } from '../recording/bounded-lock.ts';
import { ControlLog } from './control-log.ts';
import { operationOf } from './operation-kinds.ts';

/** An operation to record, and when. */
export interface OperationRequest {
  readonly kind: 'pause' | 'resume' | 'failed';
  readonly by: string;
  readonly reason: string;
  /** Whether to record it, given all operations before it. */
  mayRecord(control: ControlLog): boolean | Promise<boolean>;
  /** Ends the wait for the write lock. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Records an operation if a condition holds, and resolves with whether it was recorded. Where the storage has a write
 * lock, nobody else records an operation meanwhile: of two equal calls at once, one is recorded.
 */
export async function recordOperation(
  owner: LockOwner,
  { kind, mayRecord, signal, ...because }: OperationRequest,
): Promise<boolean> {
  const { recorder } = owner;
  const control = ControlLog.of(recorder);
  const lock = await BoundedLock.take(owner, signal);
  try {
    await control.refresh();
    if (!(await mayRecord(control))) return false;
    signal?.throwIfAborted();
    const operation = operationOf(kind, because, {});
    await (lock ?? recorder).record(0, [{ events: [], snapshots: [], operation }]);
  } finally {
    await lock?.release().catch(() => {}); // the transaction ends with its connection
  }
  await control.refresh().catch(() => {}); // else the followers of this thread read it within a second
  return true;
}
