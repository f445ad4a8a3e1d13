import { clearTimeout, setTimeout } from 'node:timers';
import type { Assignment } from '../assignment.ts';
import { positionsRequest } from '../positions/unrecorded-positions.ts';
import type { ApplicationState } from '../runner.ts';
import type { WorkerBoard } from '../supervised/supervised-runner.ts';
import { ApplicationProcess } from './application-process.ts';

/** The processes of a runner: their states, and the way to prompt them. */
export class ProcessBoard implements WorkerBoard {
  readonly processes: readonly ApplicationProcess[];
  readonly #waiting = new Set<() => void>();
  #progress = 0;

  constructor(assignments: readonly Assignment[]) {
    this.processes = assignments.map((assignment) => {
      const { applicationName, pipelineId } = assignment;
      return new ApplicationProcess(assignment, {
        grown: () => this.prompt(applicationName, pipelineId),
        entered: (state) => {
          if (state !== 'running') this.advanced();
        },
      });
    });
  }

  prompt(applicationName: string, pipelineId: number): void {
    for (const process of this.#followersOf(applicationName, pipelineId)) process.prompt(applicationName);
  }

  requestPositions(applicationName: string, pipelineId: number): void {
    for (const process of this.#followersOf(applicationName, pipelineId)) {
      process.prompt(positionsRequest);
      process.prompt(applicationName);
    }
  }

  stateIn(applicationName: string, pipelineId: number): ApplicationState | undefined {
    return this.processes.find(
      ({ assignment }) =>
        assignment.applicationName === applicationName && assignment.pipelineId === pipelineId,
    )?.state;
  }

  get progress(): number {
    return this.#progress;
  }

  /** Notes progress, here or on another host. */
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

  #followersOf(applicationName: string, pipelineId: number): readonly ApplicationProcess[] {
    return this.processes.filter(
      ({ assignment }) =>
        assignment.pipelineId === pipelineId && assignment.upstreamNames.includes(applicationName),
    );
  }
}
