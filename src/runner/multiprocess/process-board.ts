import type { ApplicationState } from '../runner.ts';
import type { Assignment } from '../asynchronous/assignment.ts';
import type { WorkerBoard } from '../supervised/supervised-runner.ts';
import { ApplicationProcess } from './application-process.ts';

/** The applications of a runner that run in processes: who has to be told of whose log, and who is doing what. */
export class ProcessBoard implements WorkerBoard {
  readonly all: readonly ApplicationProcess[];
  readonly #waiting = new Set<() => void>();
  #progress = 0;

  constructor(roles: readonly Assignment[]) {
    this.all = roles.map((role) => {
      const { applicationName, pipelineId } = role;
      return new ApplicationProcess(role, {
        grown: () => this.prompt(applicationName, pipelineId),
        entered: (state) => {
          if (state !== 'running') this.advanced();
        },
      });
    });
  }

  prompt(applicationName: string, pipelineId: number): void {
    for (const process of this.all) {
      const { role } = process;
      if (role.pipelineId !== pipelineId || !role.upstreamNames.includes(applicationName)) continue;
      process.prompt(applicationName);
    }
  }

  stateIn(applicationName: string, pipelineId: number): ApplicationState | undefined {
    return this.all.find(
      ({ role }) => role.applicationName === applicationName && role.pipelineId === pipelineId,
    )?.state;
  }

  /** One that is being started again may well have nothing to do; one that is interrupted has. */
  get isQuiet(): boolean {
    return this.all.every(({ state }) => state !== 'running' && state !== 'interrupted');
  }

  get progress(): number {
    return this.#progress;
  }

  /** Notes that somebody has come to rest, here or elsewhere. */
  advanced(): void {
    this.#progress += 1;
    for (const wake of this.#waiting) wake();
  }

  async progressSince(seen: number, timeoutMs: number, signal: AbortSignal): Promise<void> {
    if (this.#progress !== seen || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    const wake = () => resolve();
    signal.addEventListener('abort', wake);
    this.#waiting.add(wake);
    await promise;
    this.#waiting.delete(wake);
    signal.removeEventListener('abort', wake);
    clearTimeout(timer);
  }
}
