import { StorageError } from '../../storage/errors.ts';

/**
 * What a call that writes may meet: the death of its process, a busy storage, a lost race, or an answer that is lost, so that
 * the caller does not know whether anything is recorded.
 */
export type Fault = 'crash' | 'busy' | 'lost race' | 'lost answer';

/** When a fault comes: before a recording, in its transaction, which is rolled back, or before the caller gets the answer. */
export type FaultMoment = 'before' | 'inside' | 'after';

/** The moments at which each fault may come: a busy storage and a lost race record nothing. */
export const moments: Readonly<Record<Fault, readonly FaultMoment[]>> = {
  crash: ['before', 'inside', 'after'],
  busy: ['before', 'inside'],
  'lost race': ['before'],
  'lost answer': ['inside', 'after'],
};

/** A fault at one recording of a plan. */
export interface PlannedFault {
  /** Number of the recording, counted from 1. */
  readonly recording: number;
  readonly fault: Fault;
  readonly moment: FaultMoment;
}

/** A call that writes. */
export interface Recording<T> {
  readonly applicationName: string;
  /** What is to be recorded, such as "Order.Reserved, position 1 in 'reservations'". */
  readonly contents: string;
  record(): Promise<T>;
  /** Begins the transaction and rolls it back. Rejects. @default faults inside come before the call */
  breakOff?(): Promise<unknown>;
  /** Creates the error of a race that another writer has won. @default the storage is busy */
  lostRace?(): Error | undefined;
}

/** Creates the error by which a recording is refused, or its answer lost. */
export function errorOf(fault: Fault, { applicationName, lostRace }: Recording<unknown>): Error {
  if (fault === 'lost answer')
    return new StorageError(
      'STORAGE_OUTCOME_UNKNOWN',
      applicationName,
      `The answer to application '${applicationName}' is lost, as planned.`,
    );
  return (
    (fault === 'lost race' ? lostRace?.() : undefined) ??
    new StorageError(
      'STORAGE_BUSY',
      applicationName,
      `The storage of application '${applicationName}' is busy, as planned.`,
    )
  );
}
