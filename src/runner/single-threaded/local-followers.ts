import type { Application } from '../../application/application.ts';
import { isTransientFailure } from '../../application/errors.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../application/process-application.ts';
import type { SystemGraph } from '../../system/graph.ts';
import { upstreamsOf } from '../../system/graph.ts';
import { publish, type RunnerEvent } from '../diagnostics.ts';
import { DownstreamError } from '../errors.ts';
import { type FollowersByUpstream, followLocally, localPipelineId } from '../local-pipeline.ts';
import type { ApplicationState } from '../runner.ts';
import { type BlockedRetry, isBlocked } from './blocked-retry.ts';

/** The diagnostics event of an application on the single-threaded runner. */
export function eventOf(applicationName: string): RunnerEvent {
  return { runner: 'SingleThreadedRunner', applicationName, pipelineId: localPipelineId };
}

/** Runs the followers of a system in this thread, turn by turn, and keeps their prompts, interruptions and failures. */
export class LocalFollowers {
  readonly #graph: SystemGraph;
  readonly #names: readonly string[];
  readonly #retry: BlockedRetry;
  /** Applications whose logs have grown, in the order of their prompts. */
  readonly #prompts = new Set<string>();
  /** Errors of stopped applications, by name. */
  readonly #failures = new Map<string, unknown>();
  /** Errors of applications that could not finish their work in this turn, by name. */
  readonly #interruptions = new Map<string, unknown>();
  #byUpstream: FollowersByUpstream = new Map();
  #followers: ReadonlySet<ProcessApplication> = new Set();
  /** Name of the application that is processing notifications. */
  #active: string | undefined;

  constructor(graph: SystemGraph, retry: BlockedRetry) {
    this.#graph = graph;
    this.#names = graph.nodes.map(({ name }) => name);
    this.#retry = retry;
  }

  /** Makes the applications follow each other's logs. */
  follow(applications: ReadonlyMap<string, Application>, batchSize: number): void {
    this.#byUpstream = followLocally(this.#graph, applications, batchSize);
    this.#followers = new Set([...this.#byUpstream.values()].flat());
  }

  /** Notes that the log of an application has grown. */
  prompt(applicationName: string): void {
    this.#prompts.add(applicationName);
  }

  /** Notes that every log may have grown. */
  promptAll(): void {
    for (const name of this.#names) this.#prompts.add(name);
  }

  /**
   * Runs the followers until no prompt is left. A follower that fails is stopped. A follower that is interrupted runs
   * again in the next turn.
   *
   * @throws {@link DownstreamError} beginning with `problem` if a follower is stopped or was interrupted.
   * @throws the reason of the signal once that is aborted.
   */
  async runTurn(problem: string, signal: AbortSignal): Promise<void> {
    let isComplete = true;
    this.#interruptions.clear();
    for (const upstreamName of this.#prompts) {
      this.#prompts.delete(upstreamName);
      for (const follower of this.#byUpstream.get(upstreamName) ?? []) {
        const succeeded = await this.#attempt(follower, () => this.#process(follower, upstreamName, signal));
        isComplete &&= succeeded;
        signal.throwIfAborted();
      }
    }
    for (const follower of this.#followers) {
      if (this.#cannotWork(follower.applicationName)) continue;
      const succeeded = await this.#attempt(follower, () =>
        processApplicationInternals.recordPositions(follower),
      );
      isComplete &&= succeeded;
    }
    if (this.#interruptions.size > 0) this.promptAll();
    this.#retry.schedule(this.#interruptions);
    if (!isComplete) throw new DownstreamError(problem, new Map([...this.#failures, ...this.#interruptions]));
  }

  stateOf(applicationName: string): ApplicationState {
    if (this.#failures.has(applicationName)) return 'failed';
    if (this.#interruptions.has(applicationName)) return 'interrupted';
    const upstreamNames = upstreamsOf(this.#graph, applicationName);
    const isPrompted = upstreamNames.some((name) => this.#prompts.has(name));
    return isPrompted || this.#active === applicationName ? 'running' : 'idle';
  }

  lastErrorOf(applicationName: string): unknown {
    return this.#failures.get(applicationName) ?? this.#interruptions.get(applicationName);
  }

  /** Returns whether the work succeeded. An error stops the application, unless the error is an interruption. */
  async #attempt({ applicationName }: ProcessApplication, work: () => Promise<unknown>): Promise<boolean> {
    if (this.#cannotWork(applicationName)) return false;
    try {
      await work();
      return true;
    } catch (error) {
      const isInterrupted = isTransientFailure(error);
      (isInterrupted ? this.#interruptions : this.#failures).set(applicationName, error);
      publish(isInterrupted ? 'interrupted' : 'failed', { ...eventOf(applicationName), error });
      return false;
    }
  }

  async #process(follower: ProcessApplication, upstreamName: string, signal: AbortSignal): Promise<void> {
    const event = eventOf(follower.applicationName);
    publish('prompted', { ...event, upstreamName });
    this.#active = follower.applicationName;
    const run = processApplicationInternals.run(follower, { upstreamName, signal });
    const counts = await run.finally(() => {
      this.#active = undefined;
    });
    for (const [name, count] of counts) {
      if (count > 0) publish('processed', { ...event, upstreamName: name, count });
    }
  }

  /**
   * Whether an application is stopped, or interrupted for the rest of the turn. An application that waits for another
   * pipeline in one log can still follow its other upstreams.
   */
  #cannotWork(applicationName: string): boolean {
    if (this.#failures.has(applicationName)) return true;
    return this.#interruptions.has(applicationName) && !isBlocked(this.#interruptions.get(applicationName));
  }
}
