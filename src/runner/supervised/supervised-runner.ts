import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import { upstreamsOf } from '../../system/graph.ts';
import type { System } from '../../system/system.ts';
import { unlessAborted } from '../../util/abort.ts';
import { RunnerClosedError } from '../errors.ts';
import type { ApplicationState, ApplicationStatus, SystemRunner } from '../runner.ts';
import type { ResolvedRunnerOptions } from '../runner-options.ts';
import type { RunningSystem } from '../running-system.ts';
import { statusOf } from '../status.ts';
import { type ProgressSignal, waitUntilCaughtUp } from './caught-up.ts';
import type { Supervisor } from './supervisor.ts';
import { Supervisors, warnOfTerminated } from './supervisors.ts';

/** Where the peers of a runner stand. */
export interface WorkerBoard extends ProgressSignal {
  /** Tells those that follow this log that it has grown. */
  prompt(applicationName: string, pipelineId: number): void;
  /** What an application is doing; undefined if it has no peer here. */
  stateIn(applicationName: string, pipelineId: number): ApplicationState | undefined;
}

/** What a runner with peers works with. */
export interface SupervisedRunnerParts<Apps extends ApplicationClass> {
  readonly kind: 'thread' | 'process';
  readonly system: System<Apps>;
  readonly options: ResolvedRunnerOptions;
  readonly pipelineIds: readonly number[];
  readonly running: RunningSystem;
  readonly standing: WorkerBoard;
}

/** Runs each application that follows others in a peer of its own: a thread or a process. */
export abstract class SupervisedRunner<Apps extends ApplicationClass = ApplicationClass>
  implements SystemRunner<Apps>
{
  readonly #parts: SupervisedRunnerParts<Apps>;
  readonly #stop = new AbortController();
  readonly #background = new AsyncDisposableStack();
  #peers = new Supervisors([]);
  #peersClosing: Promise<void> | undefined;
  #starting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  /** Called by `start()` of its subclasses. */
  protected constructor(parts: SupervisedRunnerParts<Apps>) {
    this.#parts = parts;
  }

  abstract get<A extends Apps>(kind: A, pipelineId?: number): InstanceType<A>;

  async caughtUp({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.assertOpen();
    signal?.throwIfAborted();
    const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    const { standing, running, pipelineIds } = this.#parts;
    const settling = {
      progress: standing,
      heads: () => {
        const applications = pipelineIds.flatMap((pipelineId) => [...running.in(pipelineId).values()]);
        return Promise.all(applications.map(({ log }) => log.head()));
      },
      status: () => this.status(),
      prompt: (applicationName: string, pipelineId: number) => standing.prompt(applicationName, pipelineId),
    };
    await unlessAborted(waitUntilCaughtUp(settling, stop), stop);
    this.#peers.assertNoneFailed();
  }

  async status(): Promise<readonly ApplicationStatus[]> {
    this.assertOpen();
    const { system, running, standing, pipelineIds } = this.#parts;
    const all = pipelineIds.map((pipelineId) =>
      statusOf(system.graph, running.in(pipelineId), (name) => {
        const followsNobody = upstreamsOf(system.graph, name).length === 0;
        return {
          state: standing.stateIn(name, pipelineId) ?? (followsNobody ? 'idle' : 'elsewhere'),
          lastError: this.#peers.lastErrorOf(name, pipelineId),
        };
      }),
    );
    return (await Promise.all(all)).flat();
  }

  /** As every runner; a thread or process that does not come to an end is terminated, and the user warned. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Starts it, or throws having closed it. */
  protected async launch(begin: () => Promise<void>): Promise<void> {
    try {
      this.#starting = begin();
      await unlessAborted(this.#starting, this.#parts.options.signal);
    } catch (error) {
      await this.close().catch(() => {}); // what it has failed of first is what counts
      throw error;
    }
  }

  /** Prompts the peers of what others record, as far as the storage tells. */
  protected async listen(heard: () => void = () => {}): Promise<void> {
    const { running, standing, pipelineIds } = this.#parts;
    const listening = await running.openedStorage.listen?.({
      onPrompt: ({ applicationName, pipelineId }) => {
        standing.prompt(applicationName, pipelineId);
        if (pipelineIds.includes(pipelineId)) heard();
      },
      onGap: () => {
        for (const pipelineId of pipelineIds)
          for (const name of running.in(pipelineId).keys()) standing.prompt(name, pipelineId);
      },
    });
    if (listening !== undefined) this.#background.use(listening);
  }

  /** Starts all peers, unless it was given up meanwhile. */
  protected async startWorkers(supervisors: readonly Supervisor[]): Promise<void> {
    this.#stop.signal.throwIfAborted();
    this.#peers = new Supervisors(supervisors);
    await this.#peers.start();
  }

  /** Has something released when the runner is closed, after its peers have ended. */
  protected defer(release: () => void | Promise<void>): void {
    this.#background.defer(release);
  }

  /** Ends the peers, by force after the time. */
  protected closeWorkers(): Promise<void> {
    this.#peersClosing ??= this.#closeWorkers();
    return this.#peersClosing;
  }

  /** Throws {@link RunnerClosedError} if it is closed. */
  protected assertOpen(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  async #closeWorkers(): Promise<void> {
    const { kind, options } = this.#parts;
    const { drainTimeoutMs } = options;
    warnOfTerminated(await this.#peers.close(drainTimeoutMs), kind, drainTimeoutMs);
  }

  async #close(): Promise<void> {
    const { running } = this.#parts;
    this.#stop.abort(closedError());
    await using closing = new AsyncDisposableStack(); // the last one first, and all of them, even if one fails
    closing.defer(() => running.release());
    closing.use(this.#background);
    closing.defer(() => this.#starting?.catch(() => {})); // `start()` throws it
    closing.defer(() => this.closeWorkers());
    await Promise.all(running.applications.map(applicationInternals.close));
  }
}

function closedError(): RunnerClosedError {
  return new RunnerClosedError('This runner is closed: start a new one to go on.');
}
