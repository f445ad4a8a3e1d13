import type { Assignment } from '../assignment.ts';
import type { ApplicationState } from '../runner.ts';
import type { SupervisedWorker, WorkerHooks } from '../supervised/worker.ts';
import { type ForkedApplication, forkApplication } from './fork-application.ts';
import type { ProcessReport, ProcessTask } from './protocol.ts';

export interface ApplicationProcessHooks {
  /** Called when the log of the application has grown, or may have grown. */
  grown(): void;
  entered(state: ApplicationState): void;
}

/** An application that runs in a process, and in a new process when that process dies. */
export class ApplicationProcess {
  readonly assignment: Assignment;
  readonly #hooks: ApplicationProcessHooks;
  #state: ApplicationState = 'starting';
  #forked: ForkedApplication | undefined;

  constructor(assignment: Assignment, hooks: ApplicationProcessHooks) {
    this.assignment = assignment;
    this.#hooks = hooks;
  }

  get state(): ApplicationState {
    return this.#state;
  }

  enter(state: ApplicationState): void {
    this.#state = state;
    this.#hooks.entered(state);
  }

  /** Prompts the current process, if there is one: a new process reads all logs anyway. */
  prompt(upstreamName: string): void {
    this.#forked?.prompt(upstreamName);
  }

  /** Starts a process that runs the program at a path. */
  fork(program: string, task: ProcessTask, hooks: WorkerHooks): SupervisedWorker {
    let wasIdle = false;
    const forked = forkApplication(program, task, {
      onMessage: (message) => {
        if (message.kind === 'ready') this.enter('running');
        hooks.onMessage(message);
        // The previous process may have recorded events and died before it reported them.
        if (message.kind === 'ready') this.#hooks.grown();
      },
      onReport: (report) => {
        this.#forward(report, hooks);
        if (report.state !== 'idle' || wasIdle) return;
        wasIdle = true;
        hooks.onMessage({ kind: 'idle' });
      },
      onExit: (reason) => {
        this.#forked = undefined;
        hooks.onExit(reason);
        this.#hooks.grown();
      },
    });
    this.#forked = forked;
    return forked;
  }

  #forward(report: ProcessReport, hooks: WorkerHooks): void {
    const { hasGrown, prompted = [], processed = {}, hasReplayed, interrupted, state } = report;
    if (hasGrown) this.#hooks.grown();
    if (prompted.length > 0) hooks.onMessage({ kind: 'prompted', upstreamNames: prompted });
    for (const [upstreamName, count] of Object.entries(processed))
      hooks.onMessage({ kind: 'processed', upstreamName, count });
    if (hasReplayed) hooks.onMessage({ kind: 'replayed' });
    if (interrupted !== undefined) hooks.onMessage({ kind: 'interrupted', ...interrupted });
    if (state !== undefined) this.enter(state);
  }
}
