import type { Application } from '../../application/application.ts';
import type { SystemGraph } from '../../system/graph.ts';
import { followEdges } from '../single-threaded/follow-edges.ts';
import { upstreamsOf } from '../status.ts';
import { type Actor, act } from './act.ts';
import type { Heads } from './heads.ts';
import { type StageReport, StepFailure } from './report.ts';
import type { Moment, Stage } from './stage.ts';

/** The applications act in this thread, one after another, in the order of definition. */
export class LocalStage implements Stage {
  readonly #actors: readonly Actor[];
  readonly #heads: Heads;
  readonly #report: StageReport;

  constructor(
    graph: SystemGraph,
    applications: ReadonlyMap<string, Application>,
    batchSize: number | undefined,
    heads: Heads,
    report: StageReport,
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

  async advance(moment: Moment, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    const heads = this.#heads.now; // what is recorded from here on is for the next tick
    const fetched = new Map<string, number>();
    const failures = new Map<string, unknown>();
    for (const actor of this.#actors) {
      const { applicationName } = actor.application;
      try {
        fetched.set(applicationName, await act(actor, heads, moment, signal, this.#report));
      } catch (error) {
        failures.set(applicationName, error);
      }
    }
    if (failures.size === 0) return fetched;
    await this.#recordPositions((name) => !failures.has(name));
    throw new StepFailure(failures);
  }

  recordPositions(): Promise<void> {
    return this.#recordPositions(() => true);
  }

  async close(): Promise<readonly string[]> {
    return [];
  }

  async #recordPositions(isWanted: (applicationName: string) => boolean): Promise<void> {
    for (const { application } of this.#actors) {
      if (isWanted(application.applicationName)) await application.recordPositions();
    }
  }
}
