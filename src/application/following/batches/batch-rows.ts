import { rowsEnded } from '../../../storage/errors.ts';
import { InvalidPolicyError } from '../../errors.ts';
import { BoundedLock, type LockOwner } from '../../recording/bounded-lock.ts';

/** The transaction in which the policy writes rows for one batch. It is begun when a handler first asks for its handle. */
export class BatchRows {
  readonly #owner: LockOwner;
  readonly #given: BoundedLock | undefined;
  #taking: Promise<BoundedLock> | undefined;
  #usesGiven = false;
  #isOver = false;

  /** @param given Write lock under which the batch is processed. */
  constructor(owner: LockOwner, given: BoundedLock | undefined) {
    this.#owner = owner;
    this.#given = given;
  }

  /** Resolves with the handle of the transaction. */
  readonly open = async (): Promise<unknown> => {
    if (this.#isOver) throw rowsEnded(this.#owner.applicationName);
    if (this.#given !== undefined) {
      this.#usesGiven = true;
      return this.#given.handle;
    }
    this.#taking ??= this.#take();
    return (await this.#taking).handle;
  };

  /** Whether a handler has asked for the handle, so that the batch must be recorded under {@link lock}. */
  get isOpen(): boolean {
    return this.#usesGiven || this.#taking !== undefined;
  }

  /**
   * Resolves with the lock under which the batch is recorded; undefined if there is none. Fails if the lock could not be
   * taken, also if the handler has caught that error.
   */
  async lock(): Promise<BoundedLock | undefined> {
    return this.#given ?? (await this.#taking);
  }

  /** Ends the transaction without its rows, unless they are recorded. */
  async end(): Promise<void> {
    this.#isOver = true;
    const lock = this.#usesGiven ? this.#given : await this.#taking?.catch(() => undefined);
    await lock?.release().catch(() => {}); // the transaction ends with its connection
  }

  async #take(): Promise<BoundedLock> {
    const lock = await BoundedLock.take(this.#owner);
    if (lock !== undefined) return lock;
    throw new InvalidPolicyError(`The storage of '${this.#owner.applicationName}' records no rows.`);
  }
}
