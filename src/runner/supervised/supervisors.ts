import { nameOf } from '../assignment.ts';
import type { Supervisor } from './supervisor.ts';

/** All workers of a runner. */
export class Supervisors {
  readonly #supervisors: readonly Supervisor[];

  constructor(supervisors: readonly Supervisor[]) {
    this.#supervisors = supervisors;
  }

  /** Resolves when all applications are running; rejects with the first error that prevents it. */
  async start(): Promise<void> {
    await Promise.all(this.#supervisors.map((supervisor) => supervisor.start()));
  }

  /** Returns the supervisor of an application; undefined if no worker runs it. */
  of(applicationName: string, pipelineId: number): Supervisor | undefined {
    return this.#supervisors.find(
      ({ assignment }) =>
        assignment.applicationName === applicationName && assignment.pipelineId === pipelineId,
    );
  }

  /** Closes all workers; resolves with the names of the applications whose worker had to be terminated. */
  async close(drainTimeoutMs: number): Promise<readonly string[]> {
    const closing = this.#supervisors.map((supervisor) => supervisor.close(drainTimeoutMs));
    await Promise.allSettled(closing); // no worker may be running when the caller releases its storage
    const terminated = await Promise.all(closing);
    return this.#supervisors.filter((_, i) => terminated[i]).map(({ assignment }) => nameOf(assignment));
  }
}

/** Emits a warning that names the applications whose workers were terminated. */
export function warnOfTerminated(
  names: readonly string[],
  workerKind: 'thread' | 'process',
  afterMs: number,
): void {
  if (names.length === 0) return;
  const workers = workerKind === 'thread' ? 'threads' : 'processes';
  process.emitWarning(
    `Applications ${names.join(', ')} did not stop within ${afterMs / 1_000} s of close(); their ${workers} were ` +
      'terminated. Unfinished work is repeated at the next start.',
    { type: 'KahnWarning', code: `KAHN_${workerKind.toUpperCase()}_TERMINATED` },
  );
}
