import { KahnError, messageOf } from '../../util/errors.ts';
import { DownstreamError } from '../errors.ts';
import type { Acted } from './step-driver.ts';

/** Hears how applications get on in a tick. */
export interface DriverReport {
  processed(applicationName: string, upstreamName: string, count: number): void;
  interrupted(applicationName: string, error: unknown): void;
}

/** Which applications could not go on for a while: their storage was busy or away, or they wait for another pipeline. */
export class Interruptions {
  readonly #now = new Set<string>();
  readonly #errors = new Map<string, unknown>();
  #stalls: ReadonlyMap<string, unknown> = new Map();

  note(applicationName: string, error: unknown): void {
    this.#now.add(applicationName);
    this.#errors.set(applicationName, error);
  }

  /** Those who wait for another pipeline since the last tick, by name, and for what. */
  get stalls(): ReadonlyMap<string, unknown> {
    return this.#stalls;
  }

  /** Throws a DownstreamError if somebody waits for another pipeline. */
  assertNoStalls(): void {
    if (this.#stalls.size > 0) throw new DownstreamError('The system is not caught up.', this.#stalls);
  }

  /** Notes who waits after a tick; gives those who have not waited for the same before. */
  noteStalls(acted: ReadonlyMap<string, Acted>): ReadonlyMap<string, unknown> {
    const before = this.#stalls;
    const stalls = [...acted].flatMap(([name, { stall }]) =>
      stall === undefined ? [] : [[name, stall] as const],
    );
    this.#stalls = new Map(stalls);
    for (const [name, stall] of stalls) this.#errors.set(name, stall);
    return new Map(stalls.filter(([name, stall]) => messageOf(stall) !== messageOf(before.get(name))));
  }

  /** All have got ahead whose storage is back. */
  end(): void {
    this.#now.clear();
  }

  has(applicationName: string): boolean {
    return this.#now.has(applicationName) || this.#stalls.has(applicationName);
  }

  /** What interrupted it last. */
  lastError(applicationName: string): unknown {
    return this.#errors.get(applicationName);
  }
}

/** Applications have failed in a tick. */
export class StepFailure extends KahnError {
  override readonly code = 'STEP_FAILED';
  /** The applications that have failed, by name, with the cause. */
  readonly failures: ReadonlyMap<string, unknown>;

  constructor(failures: ReadonlyMap<string, unknown>) {
    super(`${[...failures.keys()].join(', ')} failed.`);
    this.failures = failures;
  }
}

/** Something in a tick has called what waits for a tick to end. */
export class WaitInTickError extends KahnError {
  override readonly code = 'WAIT_IN_TICK';

  constructor(call: string) {
    super(
      `A command or policy called ${call} of its runner, which would wait for the end of this very tick.`,
    );
  }
}

/** A command that a stepping runner called at a tick has failed, and the runner has stopped. */
export class CommandError extends KahnError {
  override readonly code = 'COMMAND_FAILED';
  readonly tick: number;

  constructor(tick: number, cause: unknown) {
    super(`A command that was due at tick ${tick} failed, so the system has stopped: ${messageOf(cause)}`, {
      cause,
    });
    this.tick = tick;
  }
}
