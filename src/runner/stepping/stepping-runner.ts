import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import type { System } from '../../system/system.ts';
import type { ApplicationState, ApplicationStatus, SystemRunner } from '../../system/system-runner.ts';
import { unlessAborted } from '../../util/abort.ts';
import { Mutex } from '../../util/mutex.ts';
import type { Clock } from '../../util/time.ts';
import { inTime } from '../../util/time.ts';
import { publish, type RunnerEvent } from '../diagnostics.ts';
import { DownstreamError, RunnerClosedError } from '../errors.ts';
import { defaultDrainTimeoutMs, defaultPollIntervalMs, type RunningSystem } from '../running-system.ts';
import { statusOf } from '../status.ts';
import type { Heads } from './heads.ts';
import { Pace } from './pace.ts';
import { CommandError, StepFailure } from './report.ts';
import { type Command, Schedule } from './schedule.ts';
import { timeOfTick } from './simulated-time.ts';
import { pipelineId, type Stage } from './stage.ts';
import type { SteppingOptions } from './stepping-options.ts';
import { lineOf, type Tick } from './tick.ts';

/** What a stepping runner works with. */
export interface SteppingParts<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly options: SteppingOptions;
  readonly clock: Clock;
  /** Simulated time of tick 0. */
  readonly startTimeMs: number;
  /** What ids made in the run follow from. */
  readonly seed: string;
  readonly running: RunningSystem;
  readonly heads: Heads;
  readonly stage: Stage;
  /** Ticks, and saves between them, take turns. */
  readonly turns: Mutex;
}

/**
 * Runs a system tick by tick: in each, all applications fetch what is new in the logs they follow, then all process
 * it, then the commands that are due are called. So an event goes one hop further with each tick. Saves that no
 * command of a tick has called are recorded between two ticks.
 */
export abstract class SteppingRunner<Apps extends ApplicationClass = ApplicationClass>
  implements SystemRunner<Apps>
{
  readonly #parts: SteppingParts<Apps>;
  readonly #pace: Pace;
  readonly #startedAt: number;
  readonly #msPerTick: number;
  readonly #schedule = new Schedule();
  readonly #listeners = new Set<(tick: Tick) => void>();
  readonly #ticks = new Mutex();
  /** Aborted when it is closed or has failed, with the reason: no tick begins any more. */
  readonly #stop = new AbortController();
  /** Aborted when closing has taken too long: the tick under way is given up. */
  readonly #halt = new AbortController();
  readonly #failures = new Map<string, unknown>();
  #looping: Promise<void> = Promise.resolve();
  #isPaused: boolean;
  #isActing = false;
  #tickCount = 0;
  #refreshedAt: number;
  #closing: Promise<void> | undefined;

  /** Called by `start()` of its subclasses. */
  protected constructor(parts: SteppingParts<Apps>) {
    const { options, clock } = parts;
    const { normalSpeed = 1, scaleFactor = 1, paused = false } = options;
    this.#parts = parts;
    this.#pace = new Pace(normalSpeed * scaleFactor);
    this.#startedAt = clock.now();
    this.#refreshedAt = this.#startedAt;
    this.#msPerTick = 1_000 / normalSpeed;
    this.#isPaused = paused;
    for (const { applicationName } of parts.running.applications)
      publish('started', this.#event(applicationName));
    if (!paused) this.#looping = this.#loop();
  }

  /** How many ticks there were. */
  get tickCount(): number {
    return this.#tickCount;
  }

  /** Simulated time, in milliseconds since 1970. */
  get simulatedTimeMs(): number {
    return this.#timeAt(this.#tickCount);
  }

  /** Ticks per second of real time, over the last ticks that the clock gave; 0 before the first one. */
  get actualClockSpeed(): number {
    return this.#pace.actualHz;
  }

  get<A extends Apps>(kind: A): InstanceType<A> {
    this.#parts.system.assertHas(kind);
    this.#assertUnclosed();
    return this.#parts.running.in(pipelineId).get(kind.applicationName) as InstanceType<A>;
  }

  /**
   * Calls a command so many ticks from now, in simulated time: at the end of that tick, in the order of these calls.
   * If it throws, the runner stops.
   *
   * @example runner.callInFuture(() => runner.get(Orders).place('ada'), 60);
   */
  callInFuture(command: Command, ticks = 1): void {
    this.#assertOpen();
    this.#schedule.add(command, this.#tickCount, ticks);
  }

  /** Calls the listener after each tick, until the function it returns is called. */
  subscribe(listener: (tick: Tick) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ticks once, now. */
  async step(): Promise<Tick> {
    this.#assertOpen();
    return this.#ticks.run(() => this.#tick());
  }

  /** Ticks until the condition holds after a tick, which it returns. */
  async stepUntil(
    condition: (tick: Tick) => boolean | Promise<boolean>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Tick> {
    for (;;) {
      signal?.throwIfAborted();
      const tick = await this.step();
      if (await condition(tick)) return tick;
    }
  }

  /** Stops the clock; resolves when the tick under way has ended. */
  async pause(): Promise<void> {
    this.#assertOpen();
    this.#isPaused = true;
    await this.#looping;
  }

  /** Lets the clock go on. */
  resume(): void {
    this.#assertOpen();
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#looping = this.#looping.then(() => this.#loop());
  }

  /** Resolves after a tick in which nothing happened, driving the ticks itself if the clock is paused. */
  async caughtUp({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertOpen();
    signal?.throwIfAborted();
    if (this.#isPaused) await this.stepUntil(isQuiet, signal && { signal });
    else await this.#untilTick(isQuiet, signal);
    await this.#parts.turns.run(() => this.#parts.stage.recordPositions());
  }

  async status(): Promise<readonly ApplicationStatus[]> {
    this.#assertUnclosed();
    const { system, running } = this.#parts;
    return statusOf(system.graph, running.in(pipelineId), (name) => ({
      state: this.#stateOf(name),
      lastError: this.#failures.get(name),
    }));
  }

  /** As every runner: the tick under way ends. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #loop(): Promise<void> {
    const { clock } = this.#parts;
    const { signal } = this.#stop;
    while (!signal.aborted && !this.#isPaused) {
      const began = clock.now();
      await this.step().catch(() => {}); // what has failed is the reason of the signal
      await clock.sleep(this.#pace.sleepMs(clock.now() - began), signal).catch(() => {});
      this.#pace.note(clock.now() - began);
    }
  }

  async #tick(): Promise<Tick> {
    this.#stop.signal.throwIfAborted();
    const { clock, heads, turns, stage, running } = this.#parts;
    const number = this.#tickCount + 1;
    const began = clock.now();
    const busyBefore = process.cpuUsage();
    const before = heads.now;
    try {
      const fetched = await turns.run(() => this.#advance(number, stage));
      this.#tickCount = number;
      await this.#callDue(number);
      const durationMs = clock.now() - began;
      const { user, system } = process.cpuUsage(busyBefore);
      const tick: Tick = {
        number,
        simulatedTimeMs: this.simulatedTimeMs,
        realTimeMs: clock.now() - this.#startedAt,
        durationMs,
        intensity: durationMs === 0 ? 0 : (user + system) / 1_000 / durationMs,
        actualSpeed: this.actualClockSpeed,
        applications: running.applications.map(({ applicationName }) => ({
          applicationName,
          fetched: fetched.get(applicationName) ?? 0,
          recorded: heads.of(applicationName) - (before.get(applicationName) ?? 0),
        })),
      };
      this.#tell(tick);
      return tick;
    } catch (error) {
      throw this.#failed(number, error);
    }
  }

  async #advance(tick: number, stage: Stage): Promise<ReadonlyMap<string, number>> {
    await this.#refreshHeads();
    this.#isActing = true;
    const moment = { tick, timeMs: this.#timeAt(tick), seed: `${this.#parts.seed} ${tick}` };
    return stage.advance(moment, this.#halt.signal).finally(() => {
      this.#isActing = false;
    });
  }

  /** Looks now and then for what other processes have recorded. */
  async #refreshHeads(): Promise<void> {
    const { clock, heads, running, options } = this.#parts;
    const { pollIntervalMs = defaultPollIntervalMs } = options;
    if (clock.now() - this.#refreshedAt < pollIntervalMs) return;
    await heads.refresh(running.applications);
    this.#refreshedAt = clock.now();
  }

  async #callDue(tick: number): Promise<void> {
    for (const [i, command] of this.#schedule.take(tick).entries()) {
      const time = timeOfTick(this.#timeAt(tick), `${this.#parts.seed} ${tick} command ${i}`);
      try {
        await inTime(time, command);
      } catch (cause) {
        throw new CommandError(tick, cause);
      }
    }
  }

  #tell(tick: Tick): void {
    if (this.#parts.options.verbose === true) process.stdout.write(`${lineOf(tick)}\n`);
    for (const listener of this.#listeners) listener(tick);
  }

  /** Stops everything: a system that has lost an application would go on to other results. */
  #failed(tick: number, error: unknown): unknown {
    if (this.#stop.signal.aborted) return this.#stop.signal.reason;
    const failures = error instanceof StepFailure ? error.failures : new Map<string, unknown>();
    for (const [name, cause] of failures) {
      this.#failures.set(name, cause);
      publish('failed', { ...this.#event(name), error: cause });
    }
    const reason =
      failures.size === 0 ? error : new DownstreamError(`The system has stopped at tick ${tick}.`, failures);
    this.#stop.abort(reason);
    return reason;
  }

  /** Resolves after the next tick for which the condition holds. */
  async #untilTick(condition: (tick: Tick) => boolean, signal: AbortSignal | undefined): Promise<void> {
    const found = Promise.withResolvers<void>();
    const unsubscribe = this.subscribe((tick) => {
      if (condition(tick)) found.resolve();
    });
    const stop = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    await unlessAborted(found.promise, stop).finally(unsubscribe);
  }

  #timeAt(tick: number): number {
    return Math.round(this.#parts.startTimeMs + tick * this.#msPerTick);
  }

  #stateOf(applicationName: string): ApplicationState {
    if (this.#failures.has(applicationName)) return 'failed';
    if (this.#stop.signal.aborted) return 'stopped';
    return this.#isActing ? 'running' : 'idle';
  }

  #event(applicationName: string): RunnerEvent {
    return { runner: this.constructor.name, applicationName, pipelineId };
  }

  /** Throws why it has stopped, if it has. */
  #assertOpen(): void {
    this.#stop.signal.throwIfAborted();
  }

  #assertUnclosed(): void {
    if (this.#closing !== undefined) throw closedError();
  }

  async #close(): Promise<void> {
    const { running, stage, turns, options } = this.#parts;
    const { drainTimeoutMs = defaultDrainTimeoutMs } = options;
    this.#stop.abort(closedError());
    const late = setTimeout(() => this.#halt.abort(closedError()), drainTimeoutMs);
    await this.#ticks.run(async () => {}).finally(() => clearTimeout(late));
    await this.#looping;
    await Promise.all(running.applications.map(applicationInternals.close));
    const terminated = await stage.close(this.#halt.signal.aborted ? 0 : drainTimeoutMs);
    await turns.run(() => running.release());
    for (const { applicationName } of running.applications) {
      publish('stopped', {
        ...this.#event(applicationName),
        terminated: terminated.includes(applicationName),
      });
    }
  }
}

function isQuiet({ applications }: Tick): boolean {
  return applications.every(({ fetched, recorded }) => fetched === 0 && recorded === 0);
}

function closedError(): RunnerClosedError {
  return new RunnerClosedError('This runner is closed: start a new one to go on.');
}
