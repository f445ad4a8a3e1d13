import type { Application } from '../../application/application.ts';
import type { SystemGraph } from '../../system/graph.ts';
import { upstreamsOf } from '../../system/graph.ts';
import { unlessAborted } from '../../util/abort.ts';
import { followEdges } from '../single-threaded/follow-edges.ts';
import { type DriverReport, StepFailure } from './interruptions.ts';
import type { LogHeads } from './log-heads.ts';
import { processTick, type SteppedApplication, settle } from './process-tick.ts';
import type { Acted, Moment, StepDriver } from './step-driver.ts';

/** The applications act in this thread, one after another, in the order of definition. */
export class LocalDriver implements StepDriver {
  readonly #actors: readonly SteppedApplication[];
  readonly #heads: LogHeads;
  readonly #report: DriverReport;
  readonly #failures = new Map<string, unknown>();
  /** Who acts in this moment. */
  #active: string | undefined;

  constructor(
    graph: SystemGraph,
    applications: ReadonlyMap<string, Application>,
    batchSize: number | undefined,
    heads: LogHeads,
    report: DriverReport,
  ) {
    const followers = new Set([...followEdges(graph, applications, batchSize).values()].flat());
    this.#actors = graph.nodes.flatMap(({ name }) =>
      [...followers]
        .filter(({ applicationName }) => applicationName === name)
        .map((application) => ({ application, upstreamNames: upstreamsOf(graph, name) })),
    );
    this.#heads = heads;
    this.#report = report;
  }

  async advance(moment: Moment, signal: AbortSignal): Promise<ReadonlyMap<string, Acted>> {
    const heads = this.#heads.now; // what is recorded from here on is for the next tick
    const acted = new Map<string, Acted>();
    await this.#each(signal, async (actor) => {
      const { applicationName } = actor.application;
      acted.set(applicationName, await processTick(actor, heads, moment, signal, this.#report));
    });
    if (this.#failures.size === 0) return acted;
    await this.#settleAll(signal);
    throw new StepFailure(this.#failures);
  }

  async recordPositions(signal: AbortSignal): Promise<void> {
    await this.#settleAll(signal);
    if (this.#failures.size > 0) throw new StepFailure(this.#failures);
  }

  async close(drainTimeoutMs: number): Promise<readonly string[]> {
    if (this.#active !== undefined) return [this.#active];
    await this.#settleAll(AbortSignal.timeout(drainTimeoutMs)).catch(() => {}); // what is ignored is ignored again
    return [];
  }

  #settleAll(signal: AbortSignal): Promise<void> {
    return this.#each(signal, (actor) => settle(actor, signal, this.#report));
  }

  /** Lets all do it that have not failed; throws the reason of the signal if that is aborted first. */
  async #each(signal: AbortSignal, work: (actor: SteppedApplication) => Promise<void>): Promise<void> {
    for (const actor of this.#actors) {
      const { applicationName } = actor.application;
      if (this.#failures.has(applicationName)) continue;
      this.#active = applicationName;
      try {
        await unlessAborted(work(actor), signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#failures.set(applicationName, error);
      }
      this.#active = undefined;
    }
  }
}
