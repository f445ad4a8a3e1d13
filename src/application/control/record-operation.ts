import type { StoredOperation } from '../../storage/recorder.ts';
import { BoundedLock, type LockOwner } from '../recording/bounded-lock.ts';
import { ControlLog } from './control-log.ts';

/** An operation to record, and when. */
export interface OperationRequest {
  /** Kind, author, reason and details of the operation. */
  readonly operation: Omit<StoredOperation, 'timestamp'>;
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
  { operation, mayRecord, signal }: OperationRequest,
): Promise<boolean> {
  const { recorder } = owner;
  const control = ControlLog.of(recorder);
  const lock = await BoundedLock.take(owner, signal);
  try {
    await control.refresh();
    if (!(await mayRecord(control))) return false;
    signal?.throwIfAborted();
    const stored = { ...operation, timestamp: Date.now() };
    await (lock ?? recorder).record(0, [{ events: [], snapshots: [], operation: stored }]);
  } finally {
    await lock?.release().catch(() => {}); // the transaction ends with its connection
  }
  await control.refresh().catch(() => {}); // else the followers of this thread read it within a second
  return true;
}
