import type { ApplicationState } from '../runner.ts';
import type { Assignment } from '../asynchronous/assignment.ts';
import type { SupervisedWorker, WorkerHooks } from '../supervised/worker.ts';
import { type ForkedApplication, forkApplication } from './fork-application.ts';
import type { ProcessTask, Report } from './protocol.ts';

/** Who hears how an application gets on. */
export interface ProcessHooks {
  /** Its log has grown, or may have grown. */
  grown(): void;
  entered(state: ApplicationState): void;
}

/** One application that is run by a process, or by one after another when they die. */
export class ApplicationProcess {
  readonly role: Assignment;
  readonly #hooks: ProcessHooks;
  #state: ApplicationState = 'starting';
  #forked: ForkedApplication | undefined;

  constructor(role: Assignment, hooks: ProcessHooks) {
    this.role = role;
    this.#hooks = hooks;
  }

  get state(): ApplicationState {
    return this.#state;
  }

  enter(state: ApplicationState): void {
    this.#state = state;
    this.#hooks.entered(state);
  }

  /** Tells the process that the log of an upstream has grown; one that is started looks at all of them by itself. */
  prompt(upstreamName: string): void {
    this.#forked?.prompt(upstreamName);
  }

  /** Starts a process for it. */
  fork(task: ProcessTask, hooks: WorkerHooks): SupervisedWorker {
    let hasRested = false;
    const forked = forkApplication(task, {
      hear: (message) => {
        if (message.kind === 'ready') this.enter('running');
        hooks.hear(message);
        // The process before it may have recorded something and died before it could say so.
        if (message.kind === 'ready') this.#hooks.grown();
      },
      reported: (report) => {
        this.#tell(report, hooks);
        if (report.state !== 'idle' || hasRested) return;
        hasRested = true;
        hooks.hear({ kind: 'rested' });
      },
      ended: (death) => {
        this.#forked = undefined;
        hooks.ended(death);
        this.#hooks.grown();
      },
    });
    this.#forked = forked;
    return forked;
  }

  #tell({ hasGrown, prompted = [], processed = {}, interrupted, state }: Report, hooks: WorkerHooks): void {
    if (hasGrown) this.#hooks.grown();
    if (prompted.length > 0) hooks.hear({ kind: 'prompted', upstreamNames: prompted });
    for (const [upstreamName, count] of Object.entries(processed))
      hooks.hear({ kind: 'processed', upstreamName, count });
    if (interrupted !== undefined) hooks.hear({ kind: 'interrupted', error: interrupted });
    if (state !== undefined) this.enter(state);
  }
}
