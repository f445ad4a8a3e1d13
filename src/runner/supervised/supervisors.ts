import { DownstreamError } from '../errors.ts';
import { nameOf } from './assignment.ts';
import type { Supervisor } from './supervisor.ts';

/** All peers of a runner. */
export class Supervisors {
  readonly #supervisors: readonly Supervisor[];

  constructor(supervisors: readonly Supervisor[]) {
    this.#supervisors = supervisors;
  }

  /** Resolves when all are running; throws what keeps one of them from it. */
  async start(): Promise<void> {
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.start()));
  }

  /** The error that an application had last; undefined if it had none. */
  lastErrorOf(applicationName: string, pipelineId: number): unknown {
    return this.#supervisors.find(
      ({ role }) => role.applicationName === applicationName && role.pipelineId === pipelineId,
    )?.lastError;
  }

  /** Throws {@link DownstreamError} if an application has failed. */
  assertNoneFailed(): void {
    const failed = this.#supervisors.filter(({ failure }) => failure !== undefined);
    if (failed.length === 0) return;
    const failures = new Map(failed.map(({ role, failure }) => [nameOf(role), failure]));
    throw new DownstreamError('The system is not caught up.', failures);
  }

  /** Ends all, by force after the time; resolves with the names of those with which that was needed. */
  async close(drainTimeoutMs: number): Promise<readonly string[]> {
    const terminated = await Promise.all(
      this.#supervisors.map((supervisor) => supervisor.close(drainTimeoutMs)),
    );
    return this.#supervisors.filter((_, i) => terminated[i]).map(({ role }) => nameOf(role));
  }
}

/** Tells the user of applications that had to be stopped in the middle of their work. */
export function warnOfTerminated(
  names: readonly string[],
  kind: 'thread' | 'process',
  afterMs: number,
): void {
  if (names.length === 0) return;
  const peers = kind === 'thread' ? 'threads' : 'processes';
  process.emitWarning(
    `Applications ${names.join(', ')} did not come to an end ${afterMs / 1_000} s after their runner was ` +
      `closed, so their ${peers} were terminated. What they were doing is done again at the next start.`,
    { type: 'KahnWarning', code: `KAHN_${kind.toUpperCase()}_TERMINATED` },
  );
}
