import { PausedError } from '../../application/following-errors.ts';
import { messageOf } from '../../util/errors.ts';
import { DownstreamError } from '../errors.ts';
import type { Interruption } from '../runner.ts';
import type { TickOutcome } from './step-driver.ts';

/**
 * The applications that cannot work: their storage is busy or unavailable, they wait for another pipeline or another
 * version, or they are paused.
 */
export class Interruptions {
  /** Applications whose storage interrupted the tick under way. */
  readonly #interrupted = new Map<string, Interruption>();
  readonly #lastErrors = new Map<string, unknown>();
  #blocked: ReadonlyMap<string, unknown> = new Map();

  /** Notes that the storage interrupted an application in the tick under way. */
  note(applicationName: string, error: unknown, interruption: Interruption): void {
    this.#interrupted.set(applicationName, interruption);
    this.#lastErrors.set(applicationName, error);
  }

  /**
   * Replaces the applications that wait, and returns those whose wait for another pipeline or version is new.
   */
  noteBlocked(outcomes: ReadonlyMap<string, TickOutcome>): ReadonlyMap<string, unknown> {
    const before = this.#blocked;
    this.#blocked = new Map(
      [...outcomes].flatMap(([name, { blockedBy }]) => (blockedBy === undefined ? [] : [[name, blockedBy]])),
    );
    const waiting = [...this.#blocked].filter(([, error]) => !(error instanceof PausedError));
    for (const [name, error] of waiting) this.#lastErrors.set(name, error);
    const isNew = ([name, error]: [string, unknown]) => messageOf(error) !== messageOf(before.get(name));
    return new Map(waiting.filter(isNew));
  }

  /** Ends the interruptions of a tick: every application has finished its work. */
  endTick(): void {
    this.#interrupted.clear();
  }

  get hasBlocked(): boolean {
    return this.#blocked.size > 0;
  }

  /**
   * Throws {@link DownstreamError} if an application waits for another pipeline or another version, or is paused. Ticks end
   * the wait of an application whose policy is tried again by an error rule.
   */
  assertNoneBlocked(): void {
    const stuck = [...this.#blocked].filter(([, error]) => codeOf(error) !== 'POLICY_RETRY');
    if (stuck.length > 0) throw new DownstreamError('The system is not caught up.', new Map(stuck));
  }

  has(applicationName: string): boolean {
    return this.#interrupted.has(applicationName) || this.#blocked.has(applicationName);
  }

  /** The interruption of an application by its storage, if any. */
  of(applicationName: string): Interruption | undefined {
    return this.#interrupted.get(applicationName);
  }

  /** Last error that interrupted an application since the start. */
  lastErrorOf(applicationName: string): unknown {
    return this.#lastErrors.get(applicationName);
  }
}

/** Code of an error, also of one from another thread. */
function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown } | undefined)?.code;
}
