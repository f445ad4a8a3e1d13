import { AsyncLocalStorage } from 'node:async_hooks';
import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import type { System } from '../../system/system.ts';
import { unlessAborted } from '../../util/abort.ts';
import { Mutex } from '../../util/mutex.ts';
import type { Clock } from '../../util/time.ts';
import { inTime } from '../../util/time.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { publish, type RunnerEvent } from '../diagnostics.ts';
import { DownstreamError, isInterruption, RunnerClosedError } from '../errors.ts';
import type { ApplicationState, ApplicationStatus, SystemRunner } from '../runner.ts';
import { defaultPollIntervalMs, type ResolvedRunnerOptions } from '../runner-options.ts';
import type { RunningSystem } from '../running-system.ts';
import { statusOf } from '../status.ts';
import { type Command, CommandSchedule } from './clock/command-schedule.ts';
import { Pacer } from './clock/pacer.ts';
import { timeOfTick } from './clock/simulated-time.ts';
import { CommandError, type Interruptions, StepFailure, WaitInTickError } from './interruptions.ts';
import type { LogHeads } from './log-heads.ts';
import { pipelineId, type StepDriver } from './step-driver.ts';
import type { SteppingRunnerOptions } from './stepping-options.ts';
import { lineOf, nothingHappenedIn, type Tick } from './tick.ts';
import { TickListeners } from './tick-listeners.ts';

/** What a stepping runner works with. */
export interface SteppingParts<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly options: SteppingRunnerOptions & ResolvedRunnerOptions;
  readonly clock: Clock;
  /** Simulated time of tick 0. */
  readonly startTimeMs: number;
  /** What ids made in the run follow from. */
  readonly seed: string;
  readonly running: RunningSystem;
  readonly heads: LogHeads;
  readonly stage: StepDriver;
  /** Ticks, and saves between them, take turns. */
  readonly turns: Mutex;
  readonly interruptions: Interruptions;
}

/** A tick under way. */
interface Underway {
  readonly number: number;
}

/** The tick in which something is called. */
const callingTick = new AsyncLocalStorage<Underway>();

/**
 * Runs a system tick by tick: in each, all applications fetch what is new in the logs they follow, then all process
 * it, then the commands that are due are called. So an event goes one hop further with each tick. Whatever is saved,
 * by a command or by anybody else, is recorded while no application processes, and is new in the next tick.
 */
export abstract class SteppingRunner<Apps extends ApplicationClass = ApplicationClass>
  implements SystemRunner<Apps>
{
  readonly #parts: SteppingParts<Apps>;
  readonly #pace: Pacer;
  readonly #startedAt: number;
  readonly #msPerTick: number;
  readonly #schedule = new CommandSchedule();
  readonly #listeners = new TickListeners();
  readonly #ticks = new Mutex();
  /** Aborted when it is closed or has failed, with the reason: no tick begins any more. */
  readonly #stop = new AbortController();
  /** Aborted when closing has taken too long: the tick under way is given up. */
  readonly #halt = new AbortController();
  readonly #failures = new Map<string, unknown>();
  #looping: Promise<void> = Promise.resolve();
  /** Aborted when the clock is to stop: it is paused, or the runner is closed or has failed. */
  #pausing = new AbortController();
  #underway: Underway | undefined;
  #isActing = false;
  #tickCount = 0;
  #refreshedAt: number;
  #closing: Promise<void> | undefined;

  /** Called by `start()` of its subclasses. */
  protected constructor(parts: SteppingParts<Apps>) {
    const { options, clock } = parts;
    const { normalSpeed = 1, scaleFactor = 1, paused = false } = options;
    this.#parts = parts;
    this.#pace = new Pacer(normalSpeed * scaleFactor);
    this.#startedAt = clock.now();
    this.#refreshedAt = this.#startedAt;
    this.#msPerTick = 1_000 / normalSpeed;
    this.#pausing.abort();
    for (const { applicationName } of parts.running.applications)
      publish('started', this.#event(applicationName));
    if (!paused) this.resume();
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

  get<A extends Apps>(kind: A, pipeline?: number): InstanceType<A> {
    if (!this.#isInTick) this.#assertUnclosed(); // a tick under way ends
    return this.#parts.running.get(kind, pipeline);
  }

  /**
   * Calls a command so many ticks from now, in simulated time: at the end of that tick, in the order of these calls.
   * If it throws, the runner stops.
   *
   * @example runner.callInFuture(() => runner.get(Orders).place('ada'), 60);
   */
  callInFuture(command: Command, ticks = 1): void {
    if (!this.#isInTick) this.#assertOpen();
    this.#schedule.add(command, this.#tickCount, ticks);
  }

  /**
   * Calls the listener after each tick, until the function it returns is called. What a listener throws becomes an
   * uncaught exception of the process; the ticks go on.
   */
  subscribe(listener: (tick: Tick) => void): () => void {
    return this.#listeners.add(listener);
  }

  /** Ticks once, now. */
  async step(): Promise<Tick> {
    this.#assertMayWait('step()');
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
      await yieldIfBusy();
    }
  }

  /** Stops the clock; resolves when the tick under way has ended or, in that tick itself, at once. */
  async pause(): Promise<void> {
    this.#assertOpen();
    this.#pausing.abort();
    if (!this.#isInTick) await this.#looping;
  }

  /** Lets the clock go on. */
  resume(): void {
    this.#assertOpen();
    if (!this.#isPaused) return;
    const pausing = new AbortController();
    this.#pausing = pausing;
    this.#looping = this.#looping.then(() => this.#loop(pausing.signal));
  }

  /**
   * Resolves after a tick in which nothing happened, driving the ticks itself if the clock is paused. Then it rejects
   * with a DownstreamError if somebody waits for another pipeline, for no tick gets that ahead.
   */
  async caughtUp({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    this.#assertMayWait('caughtUp()');
    signal?.throwIfAborted();
    this.#refreshedAt = -Infinity; // what others have recorded counts, too
    const last = this.#underway?.number ?? this.#tickCount;
    const isQuiet = (tick: Tick) => tick.number > last && nothingHappenedIn(tick);
    const { interruptions } = this.#parts;
    const isPaused = this.#isPaused;
    if (isPaused) await this.stepUntil(isQuiet, signal && { signal });
    else await this.#untilTick((tick) => isQuiet(tick) && interruptions.stalls.size === 0, signal);
    await this.#ticks.run(() => this.#recordPositions());
    if (isPaused) interruptions.assertNoStalls();
  }

  async status(): Promise<readonly ApplicationStatus[]> {
    this.#assertUnclosed();
    const { system, running, interruptions } = this.#parts;
    return statusOf(system.graph, running.in(pipelineId), (name) => ({
      state: this.#stateOf(name),
      lastError: this.#failures.get(name) ?? interruptions.lastError(name),
    }));
  }

  /** As every runner: the tick under way ends. Called in that tick, it resolves at once. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    if (!this.#isInTick) await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #loop(pausing: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!pausing.aborted) {
      const began = clock.now();
      await this.step().catch(() => {}); // what has failed has stopped the clock
      await clock.sleep(this.#pace.sleepMs(clock.now() - began), pausing).catch(() => {});
      if (!pausing.aborted) this.#pace.note(clock.now() - began);
    }
  }

  async #tick(): Promise<Tick> {
    this.#stop.signal.throwIfAborted();
    const underway = { number: this.#tickCount + 1 };
    this.#underway = underway;
    try {
      const tick = await callingTick.run(underway, () => this.#work(underway.number));
      this.#tell(tick);
      return tick;
    } catch (error) {
      throw this.#failed(underway.number, error);
    } finally {
      this.#underway = undefined;
    }
  }

  async #work(number: number): Promise<Tick> {
    const { clock, heads, turns, running } = this.#parts;
    const began = clock.now();
    const busyBefore = process.cpuUsage();
    const { before, acted } = await turns.run(() => this.#advance(number));
    this.#tickCount = number;
    await this.#callDue(number);
    const durationMs = clock.now() - began;
    const { user, system } = process.cpuUsage(busyBefore);
    return {
      number,
      simulatedTimeMs: this.simulatedTimeMs,
      realTimeMs: clock.now() - this.#startedAt,
      durationMs,
      intensity: durationMs === 0 ? 0 : (user + system) / 1_000 / durationMs,
      actualSpeed: this.actualClockSpeed,
      applications: running.applications.map(({ applicationName }) => ({
        applicationName,
        fetched: acted.get(applicationName)?.fetched ?? 0,
        recorded: heads.of(applicationName) - (before.get(applicationName) ?? 0),
      })),
    };
  }

  /** Lets the applications do their part of a tick; resolves with the heads before, and what each did. */
  async #advance(tick: number) {
    const { stage, heads, interruptions } = this.#parts;
    await this.#refreshHeads();
    const before = heads.now;
    this.#isActing = true;
    try {
      const moment = { tick, timeMs: this.#timeAt(tick), seed: `${this.#parts.seed} ${tick}` };
      const acted = await stage.advance(moment, this.#halt.signal);
      const stalls = interruptions.noteStalls(acted);
      for (const [name, error] of stalls) publish('interrupted', { ...this.#event(name), error });
      return { before, acted };
    } finally {
      this.#isActing = false;
      interruptions.end();
    }
  }

  /** Looks now and then for what other processes have recorded. */
  async #refreshHeads(): Promise<void> {
    const { clock, heads, running, options } = this.#parts;
    const { pollIntervalMs = defaultPollIntervalMs } = options;
    if (clock.now() - this.#refreshedAt < pollIntervalMs) return;
    try {
      await heads.refresh(running.applications);
      this.#refreshedAt = clock.now();
    } catch (error) {
      if (!isInterruption(error)) throw error; // else the next tick looks again
    }
  }

  async #recordPositions(): Promise<void> {
    this.#stop.signal.throwIfAborted();
    const { turns, stage } = this.#parts;
    try {
      await turns.run(() => stage.recordPositions(this.#halt.signal));
    } catch (error) {
      throw this.#failed(this.#tickCount, error);
    }
  }

  async #callDue(tick: number): Promise<void> {
    for (const [i, command] of this.#schedule.take(tick).entries()) {
      const time = timeOfTick(this.#timeAt(tick), `${this.#parts.seed} ${tick} command ${i}`);
      try {
        await unlessAborted(
          inTime(time, async () => command()),
          this.#halt.signal,
        );
      } catch (cause) {
        throw new CommandError(tick, cause);
      }
    }
  }

  #tell(tick: Tick): void {
    if (this.#parts.options.verbose === true) process.stdout.write(`${lineOf(tick)}\n`);
    this.#listeners.tell(tick);
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
    this.#stopFor(reason);
    return reason;
  }

  #stopFor(reason: unknown): void {
    this.#stop.abort(reason);
    this.#pausing.abort();
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
    if (this.#parts.interruptions.has(applicationName)) return 'interrupted';
    return this.#isActing ? 'running' : 'idle';
  }

  #event(applicationName: string): RunnerEvent {
    return { runner: this.constructor.name, applicationName, pipelineId };
  }

  get #isPaused(): boolean {
    return this.#pausing.signal.aborted;
  }

  /** Whether this is called in the tick under way: it must not wait for the end of that. */
  get #isInTick(): boolean {
    return this.#underway !== undefined && callingTick.getStore() === this.#underway;
  }

  #assertMayWait(call: string): void {
    if (this.#isInTick) throw new WaitInTickError(call);
    this.#assertOpen();
  }

  /** Throws why it has stopped, if it has. */
  #assertOpen(): void {
    this.#assertUnclosed();
    this.#stop.signal.throwIfAborted();
  }

  #assertUnclosed(): void {
    if (this.#closing !== undefined) throw new RunnerClosedError();
  }

  async #close(): Promise<void> {
    const { running, stage, turns, options } = this.#parts;
    this.#stopFor(new RunnerClosedError());
    const halt = () => this.#halt.abort(new RunnerClosedError());
    const late = setTimeout(halt, options.drainTimeoutMs);
    await this.#ticks.run(async () => {}).finally(() => clearTimeout(late));
    await this.#looping;
    await Promise.all(running.applications.map(applicationInternals.close));
    const terminated = await stage.close(options.drainTimeoutMs);
    await turns.run(() => running.release());
    for (const { applicationName } of running.applications) {
      publish('stopped', {
        ...this.#event(applicationName),
        terminated: terminated.includes(applicationName),
      });
    }
  }
}
