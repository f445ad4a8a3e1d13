import { setTimeout as delay } from 'node:timers/promises';
import { applicationInternals } from '../../application/application.ts';
import { schemaIn } from '../../application/projection/schema-recorder.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { type Inbox, type LoopReport, runLoop } from '../application-loop.ts';
import { isObserved, publish } from '../diagnostics.ts';
import { eventOf, type LocalApplication, type LocalLog } from './local-application.ts';

/** Interval at which the logs are read and the end of the build is noticed, in ms. */
const pollMs = 100;

/** Whether an application is a projection whose schema is being built. */
export function isBuilding({ application }: LocalApplication): boolean {
  return schemaIn(applicationInternals.storeOf(application).recorder)?.isBuilding === true;
}

/** Builds the schema of a projection beside the turns of the runner, so that no save waits for it. */
export class SchemaBuild {
  readonly application: LocalApplication;
  /** Logs that the projection follows. */
  readonly logs: LocalLog[] = [];
  readonly #stop = new AbortController();
  /** Aborted when the turns are to process the logs. */
  readonly #ended = new AbortController();
  #running: Promise<void> | undefined;

  constructor(application: LocalApplication) {
    this.application = application;
  }

  /** Begins to build, also again after a failure; calls `ended` when the schema is live, or {@link end} was called. */
  start(ended: () => void): void {
    this.#running ??= inRootContext(() => this.#run(ended));
  }

  /** Ends the build, because the schema is about to become live. */
  async end(): Promise<void> {
    this.#ended.abort();
    await this.#running;
  }

  /** Finishes the batch under way. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(ended: () => void): Promise<void> {
    const { application } = this;
    const signal = AbortSignal.any([this.#stop.signal, this.#ended.signal]);
    const upstreamNames = this.logs.map(({ upstream }) => upstream.name);
    const inbox = new PolledInbox(upstreamNames);
    const report = this.#report(() => this.#ended.abort());
    try {
      const loop = { application: application.process, upstreamNames, inbox, tick: undefined, report };
      await runLoop({ ...loop, recordsWhenIdle: true }, signal);
    } catch (error) {
      this.#running = undefined;
      application.noteError(error);
      return;
    } finally {
      application.loop = undefined;
    }
    if (!this.#stop.signal.aborted) ended();
  }

  /** Shows the state of the loop, and ends it when the schema is live. */
  #report(end: () => void): LoopReport {
    const { application } = this;
    return {
      entered(state) {
        application.loop = { state, interruption: undefined };
        if (!isBuilding(application)) end();
      },
      prompted() {},
      processed(upstreamName, count) {
        if (isObserved('processed'))
          publish('processed', { ...eventOf(application.name), upstreamName, count });
      },
      replayed() {},
      interrupted(error, interruption) {
        application.lastError = error;
        application.loop = { state: 'interrupted', interruption };
        publish('interrupted', { ...eventOf(application.name), error, interruption });
      },
    };
  }
}

/** Inbox that is filled at intervals. */
class PolledInbox implements Inbox {
  readonly #upstreamNames: readonly string[];
  readonly #prompts = new Set<string>();

  constructor(upstreamNames: readonly string[]) {
    this.#upstreamNames = upstreamNames;
  }

  put(upstreamName: string): void {
    this.#prompts.add(upstreamName);
  }

  get isEmpty(): boolean {
    return this.#prompts.size === 0;
  }

  async take(signal: AbortSignal): Promise<readonly string[]> {
    if (this.isEmpty) await delay(pollMs, undefined, { signal, ref: false }).catch(() => {});
    if (signal.aborted) return [];
    const taken = this.isEmpty ? this.#upstreamNames : [...this.#prompts];
    this.#prompts.clear();
    return taken;
  }
}
