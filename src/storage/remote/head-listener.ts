import { performance } from 'node:perf_hooks';
import { backOff } from '../../util/retry.ts';
import type { LogListener } from '../storage.ts';
import type { RemoteLog } from './remote-log.ts';

/** Time for which a server waits for new notifications, in ms. */
const waitMs = 20_000;
/** An answer that comes earlier than this is of a server that does not wait, in ms. */
const shortestWaitMs = 1_000;
/** Delays after failures, and after answers of a server that does not wait. */
const backoff = { firstMs: 200, maxMs: 10_000 };

/** A log of another system. */
interface WatchedLog {
  readonly applicationName: string;
  readonly pipelineId: number;
}

/** Waits for the ends of logs of other systems, and prompts a listener when they have grown. */
export class HeadListener implements AsyncDisposable {
  readonly #listener: LogListener;
  readonly #stop = new AbortController();
  readonly #watches: Promise<void>[] = [];

  constructor(listener: LogListener) {
    this.#listener = listener;
  }

  watch(log: RemoteLog, watched: WatchedLog): void {
    this.#watches.push(this.#watch(log, watched));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#watches);
  }

  async #watch(log: RemoteLog, { applicationName, pipelineId }: WatchedLog): Promise<void> {
    const { signal } = this.#stop;
    let after: number | undefined; // unknown at first, and after a failure
    let failures = 0;
    while (!signal.aborted) {
      try {
        const askedAt = performance.now();
        const head = await log.head(pipelineId, after === undefined ? {} : { after, waitMs }, signal);
        const hasGrown = head > (after ?? 0);
        if (hasGrown || failures > 0) this.#listener.onPrompt({ applicationName, pipelineId, head });
        failures = 0;
        const isEarly = after !== undefined && !hasGrown && performance.now() - askedAt < shortestWaitMs;
        after = head;
        if (isEarly) await backOff(1, backoff, signal);
      } catch {
        after = undefined;
        failures += 1; // followers report what is wrong
        await backOff(failures, backoff, signal).catch(() => {});
      }
    }
  }
}
