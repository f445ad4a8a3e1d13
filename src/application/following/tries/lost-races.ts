import type { RecordConflictError } from '../../../storage/errors.ts';
import { RacesLostError } from '../../following-errors.ts';

/** Number of races lost in a row after which a follower takes the write lock. */
const racesBeforeLock = 3;

/** The races that a follower has lost in a row: other writers changed the aggregates of its policy meanwhile. */
export class LostRaces {
  readonly #upstreamName: string;
  #count = 0;
  /** Whether the last batch needed the write lock. The next one takes the lock after a single lost race. */
  #isContended = false;
  /** The last conflict of each aggregate. */
  readonly #conflicts = new Map<string, RecordConflictError>();

  constructor(upstreamName: string) {
    this.#upstreamName = upstreamName;
  }

  get needsLock(): boolean {
    return this.#count >= (this.#isContended ? 1 : racesBeforeLock);
  }

  /** Notes that a batch is recorded. */
  won(underLock: boolean): void {
    this.#isContended = underLock;
    if (this.#count === 0) return;
    this.#count = 0;
    this.#conflicts.clear();
  }

  /** Whether the policy creates an aggregate although its id was in use before the policy ran. */
  isOfUsedId({ originatorId, attemptedVersion }: RecordConflictError): boolean {
    return attemptedVersion === 1 && (this.#conflicts.get(originatorId)?.currentVersion ?? 0) > 0;
  }

  /**
   * Notes a conflict. Returns the error to report if another writer has changed the aggregate again since the conflict
   * before, and undefined if the policy repeats what is recorded.
   */
  lost(conflict: RecordConflictError): RacesLostError | undefined {
    const { originatorId, attemptedVersion } = conflict;
    const before = this.#conflicts.get(originatorId);
    this.#conflicts.set(originatorId, conflict);
    this.#count += 1;
    if (before !== undefined && before.attemptedVersion >= attemptedVersion) return undefined;
    return new RacesLostError(this.#upstreamName, this.#count, conflict);
  }
}
