import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../application/process-application.ts';
import { followersIn, upstreamsOf } from '../../system/graph.ts';
import { unlessAborted } from '../../util/abort.ts';
import { followLocally, localPipelineId } from '../local-pipeline.ts';
import { StepFailedError } from './errors.ts';
import type { LogHeads } from './log-heads.ts';
import { processTick, recordPositions, type SteppedApplication, steppedApplication } from './process-tick.ts';
import type { DriverParts, DriverReport, Moment, StepDriver, TickOutcome } from './step-driver.ts';

/** Runs the applications in this thread, one after another, in the order of definition. */
export class LocalDriver implements StepDriver {
  readonly #applications: readonly SteppedApplication[];
  readonly #heads: LogHeads;
  readonly #report: DriverReport;
  readonly #failures = new Map<string, unknown>();
  /** Name of the application that is working. */
  #active: string | undefined;

  /** Makes the applications follow each other, from their recorded positions. */
  static async start(parts: DriverParts): Promise<LocalDriver> {
    const driver = new LocalDriver(parts);
    for (const { application } of driver.#applications) await processApplicationInternals.locate(application);
    return driver;
  }

  private constructor({ system: { graph }, options, running, heads, report }: DriverParts) {
    const applications = running.in(localPipelineId);
    followLocally(graph, applications, options);
    this.#applications = followersIn(graph).map(
      (name) => steppedApplication(applications.get(name) as ProcessApplication, upstreamsOf(graph, name)), // it follows others
    );
    this.#heads = heads;
    this.#report = report;
  }

  async advance(moment: Moment, signal: AbortSignal): Promise<ReadonlyMap<string, TickOutcome>> {
    const heads = this.#heads.now; // events recorded from here on are for the next tick
    const outcomes = new Map<string, TickOutcome>();
    await this.#forEach(signal, async (stepped) => {
      const { applicationName } = stepped.application;
      const pause = moment.paused.get(applicationName);
      const outcome = pause
        ? { fetched: 0, blockedBy: pause }
        : await processTick(stepped, heads, moment, signal, this.#report);
      outcomes.set(applicationName, outcome);
    });
    if (this.#failures.size === 0) return outcomes;
    await this.#recordAllPositions(signal);
    throw new StepFailedError(this.#failures);
  }

  async recordPositions(signal: AbortSignal): Promise<void> {
    await this.#recordAllPositions(signal);
    if (this.#failures.size > 0) throw new StepFailedError(this.#failures);
  }

  async restart(): Promise<void> {
    this.#failures.clear();
  }

  async close(drainTimeoutMs: number): Promise<readonly string[]> {
    if (this.#active !== undefined) return [this.#active];
    // Without recorded positions, the next start reads the same ignored notifications again.
    await this.#recordAllPositions(AbortSignal.timeout(drainTimeoutMs)).catch(() => {});
    return [];
  }

  #recordAllPositions(signal: AbortSignal): Promise<void> {
    return this.#forEach(signal, (stepped) => recordPositions(stepped, signal, this.#report));
  }

  /** Does work for each application that has not failed. Throws the reason of the signal if that is aborted first. */
  async #forEach(signal: AbortSignal, work: (stepped: SteppedApplication) => Promise<void>): Promise<void> {
    for (const stepped of this.#applications) {
      const { applicationName } = stepped.application;
      if (this.#failures.has(applicationName)) continue;
      this.#active = applicationName;
      try {
        await unlessAborted(work(stepped), signal);
      } catch (error) {
        signal.throwIfAborted();
        this.#failures.set(applicationName, error);
      }
      this.#active = undefined;
    }
  }
}
