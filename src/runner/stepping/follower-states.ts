import type { ApplicationState } from '../runner.ts';
import type { FollowerState } from '../waiting/watched-followers.ts';
import type { Interruptions } from './interruptions.ts';
import type { Simulation } from './simulation.ts';
import type { StopState } from './stopping/stop-state.ts';

/** The states of the applications of a stepping runner. */
export class FollowerStates {
  readonly #stop: StopState;
  readonly #interruptions: Interruptions;
  readonly #simulation: Simulation;

  constructor(stop: StopState, interruptions: Interruptions, simulation: Simulation) {
    this.#stop = stop;
    this.#interruptions = interruptions;
    this.#simulation = simulation;
  }

  of(applicationName: string): FollowerState {
    const lastError =
      this.#stop.failures.get(applicationName) ?? this.#interruptions.lastErrorOf(applicationName);
    const interruption = this.#interruptions.of(applicationName);
    return { state: this.#stateOf(applicationName), lastError, interruption };
  }

  #stateOf(applicationName: string): ApplicationState {
    if (this.#stop.failures.has(applicationName)) return 'failed';
    if (this.#stop.stopped.aborted) return 'stopped';
    if (this.#interruptions.has(applicationName)) return 'interrupted';
    return this.#simulation.isProcessing ? 'running' : 'idle';
  }
}
