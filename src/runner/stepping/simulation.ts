import { type Application, applicationInternals } from '../../application/application.ts';
import { ControlLog } from '../../application/control/control-log.ts';
import { isTransientFailure } from '../../application/failures.ts';
import { PausedError } from '../../application/following-errors.ts';
import { followersIn } from '../../system/graph.ts';
import { unlessAborted } from '../../util/abort.ts';
import { inTime } from '../../util/time.ts';
import { publish } from '../diagnostics.ts';
import { localPipelineId } from '../local-pipeline.ts';
import { type Command, CommandSchedule } from './clock/command-schedule.ts';
import type { Pacer } from './clock/pacer.ts';
import { timeOfTick } from './clock/simulated-time.ts';
import { CommandError } from './errors.ts';
import type { SteppingParts } from './open-stepping.ts';
import type { TickOutcome } from './step-driver.ts';
import type { Tick } from './tick.ts';

/** Work of the applications in a tick. */
interface Processed {
  /** Heads of all logs before the tick. */
  readonly headsBefore: ReadonlyMap<string, number>;
  readonly outcomes: ReadonlyMap<string, TickOutcome>;
}

/** The ticks of a stepping runner: simulated time, the scheduled commands and the work of each tick. */
export class Simulation {
  readonly #parts: SteppingParts;
  readonly #pacer: Pacer;
  /** Aborted when the tick under way is abandoned. */
  readonly #abandoned: AbortSignal;
  readonly #schedule = new CommandSchedule();
  readonly #startedAt: number;
  readonly #msPerTick: number;
  #refreshedAt: number;
  /** What people did to the applications that follow others. */
  readonly #controls: ReadonlyMap<string, ControlLog>;
  #tickCount = 0;
  #isProcessing = false;

  constructor(parts: SteppingParts, pacer: Pacer, abandoned: AbortSignal) {
    this.#parts = parts;
    this.#pacer = pacer;
    this.#abandoned = abandoned;
    this.#startedAt = parts.clock.now();
    this.#refreshedAt = this.#startedAt;
    this.#msPerTick = 1_000 / parts.options.normalSpeed;
    const applications = parts.running.in(localPipelineId);
    this.#controls = new Map(
      followersIn(parts.system.graph).map((name) => {
        const { recorder } = applicationInternals.storeOf(applications.get(name) as Application);
        return [name, ControlLog.of(recorder)];
      }),
    );
  }

  /** Number of ticks in which the applications have done their work. */
  get tickCount(): number {
    return this.#tickCount;
  }

  /** Simulated time, in ms since 1970. */
  get timeMs(): number {
    return this.#timeAt(this.#tickCount);
  }

  /** Whether applications are processing notifications. */
  get isProcessing(): boolean {
    return this.#isProcessing;
  }

  schedule(command: Command, ticks: number): void {
    this.#schedule.add(command, this.#tickCount, ticks);
  }

  /** Makes the next tick read the heads of all logs from the storage. */
  refreshNext(): void {
    this.#refreshedAt = -Infinity;
  }

  /** Processes what is new in all logs, then calls the commands that are due. */
  async tick(): Promise<Tick> {
    const { turns, clock } = this.#parts;
    const number = this.#tickCount + 1;
    const began = clock.now();
    const cpuBefore = process.cpuUsage();
    const processed = await turns.run(() => this.#process(number));
    this.#tickCount = number;
    await this.#callCommands(number);
    return this.#describe(processed, clock.now() - began, process.cpuUsage(cpuBefore));
  }

  /** Makes the applications process what is new in the logs they follow. */
  async #process(tick: number): Promise<Processed> {
    const { driver, heads, interruptions, seed, runnerName: runner } = this.#parts;
    await this.#refreshHeads();
    const headsBefore = heads.now;
    this.#isProcessing = true;
    try {
      const paused = await this.#pausedNow();
      const operations = new Map([...this.#controls].map(([name, { lastId }]) => [name, lastId]));
      const moment = { tick, timeMs: this.#timeAt(tick), seed: `${seed} ${tick}`, paused, operations };
      const outcomes = await driver.advance(moment, this.#abandoned);
      for (const [applicationName, error] of interruptions.noteBlocked(outcomes)) {
        publish('interrupted', {
          runner,
          applicationName,
          pipelineId: localPipelineId,
          error,
          interruption: undefined,
        });
      }
      return { headsBefore, outcomes };
    } finally {
      this.#isProcessing = false;
      interruptions.endTick();
    }
  }

  /** Reads the heads of all logs from the storage when the poll interval is over: other processes may have recorded. */
  async #refreshHeads(): Promise<void> {
    const { heads, running, clock, options } = this.#parts;
    if (clock.now() - this.#refreshedAt < options.pollIntervalMs) return;
    try {
      await heads.refresh(running.applications);
      this.#refreshedAt = clock.now();
    } catch (error) {
      if (!isTransientFailure(error)) throw error; // the next tick tries again
    }
  }

  /** Returns the errors of the applications that are paused. Reads operations of other processes once a second. */
  async #pausedNow(): Promise<ReadonlyMap<string, PausedError>> {
    const paused = new Map<string, PausedError>();
    for (const [name, control] of this.#controls) {
      await control.refreshIfDue()?.catch((error) => {
        if (!isTransientFailure(error)) throw error; // a later tick tries again
      });
      if (control.pause !== undefined) paused.set(name, new PausedError(name, control.pause));
    }
    return paused;
  }

  async #callCommands(tick: number): Promise<void> {
    for (const [i, command] of this.#schedule.take(tick).entries()) {
      const time = timeOfTick(this.#timeAt(tick), `${this.#parts.seed} ${tick} command ${i}`);
      try {
        const called = inTime(time, async () => command());
        await unlessAborted(called, this.#abandoned);
      } catch (cause) {
        throw new CommandError(tick, cause);
      }
    }
  }

  #describe({ headsBefore, outcomes }: Processed, durationMs: number, cpu: NodeJS.CpuUsage): Tick {
    const { running, heads, clock } = this.#parts;
    return {
      number: this.#tickCount,
      simulatedTimeMs: this.timeMs,
      realTimeMs: clock.now() - this.#startedAt,
      durationMs,
      intensity: durationMs === 0 ? 0 : (cpu.user + cpu.system) / 1_000 / durationMs,
      actualSpeed: this.#pacer.actualHz,
      applications: running.applications.map(({ applicationName }) => ({
        applicationName,
        fetched: outcomes.get(applicationName)?.fetched ?? 0,
        recorded: heads.of(applicationName) - (headsBefore.get(applicationName) ?? 0),
      })),
    };
  }

  #timeAt(tick: number): number {
    return Math.round(this.#parts.startTimeMs + tick * this.#msPerTick);
  }
}
