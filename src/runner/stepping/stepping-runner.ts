import type { ApplicationClass } from '../../application/application.ts';
import type { Saved } from '../../application/recording/save-options.ts';
import type { StorageDescription } from '../../storage/storage.ts';
import type { System } from '../../system/system.ts';
import { assertFunction } from '../../util/options.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { publish } from '../diagnostics.ts';
import { RunnerClosedError } from '../errors.ts';
import { localPipelineId } from '../local-pipeline.ts';
import { OperableRunner } from '../operating/operable-runner.ts';
import type { OperationOptions } from '../operating/operation-options.ts';
import type { OperatedSystem } from '../operating/operations.ts';
import type { ApplicationStatus, ProcessedOptions, SystemRunner, WaitOptions } from '../runner.ts';
import { assertStarted } from '../running-system.ts';
import { statusOf } from '../status.ts';
import { signalOf } from '../wait-options.ts';
import { ClockLoop } from './clock/clock-loop.ts';
import { Pacer } from './clock/pacer.ts';
import { SteppingWaits } from './clock/stepping-waits.ts';
import { TickSeries } from './clock/tick-series.ts';
import type { TickWaits } from './clock/tick-waits.ts';
import { WaitInTickError } from './errors.ts';
import { FollowerStates } from './follower-states.ts';
import { eventOf, type SteppingParts } from './open-stepping.ts';
import { Simulation } from './simulation.ts';
import { closeStepping } from './stopping/close-stepping.ts';
import { Recovery } from './stopping/recovery.ts';
import { lineOf, nothingHappenedIn, type Tick } from './tick.ts';

/**
 * Runs a system tick by tick. In each tick, all applications fetch what is new in the logs they follow, then all
 * process it, then the commands that are due are called: an event moves one hop per tick. Events that a command or
 * another caller saves are recorded while no application processes, and are new in the next tick.
 */
export abstract class SteppingRunner<Apps extends ApplicationClass = ApplicationClass>
  extends OperableRunner<Apps>
  implements SystemRunner<Apps>
{
  readonly #parts: SteppingParts<Apps>;
  readonly #pacer: Pacer;
  readonly #clock: ClockLoop;
  readonly #simulation: Simulation;
  readonly #recovery: Recovery;
  readonly #states: FollowerStates;
  readonly #ticks: TickSeries<Tick>;
  readonly #waits: SteppingWaits;
  #closing: Promise<void> | undefined;

  /** @internal */
  protected constructor(parts: SteppingParts<Apps>) {
    super();
    assertStarted(parts?.running, new.target);
    const { normalSpeed, scaleFactor, paused, verbose } = parts.options;
    this.#parts = parts;
    // A product that is too small for a number would count as 0, which is no pace at all.
    this.#pacer = new Pacer(scaleFactor === 0 ? 0 : Math.max(normalSpeed * scaleFactor, Number.MIN_VALUE));
    this.#clock = new ClockLoop(parts.clock, this.#pacer, {
      tick: () => this.step(),
      failed: (error) => void this.#recovery.fail(this.tickCount, error),
    });
    const { system, running, interruptions, turns, driver } = parts;
    this.#recovery = new Recovery({
      running,
      clock: this.#clock,
      restart: () => driver.restart(),
      eventOf: (name) => eventOf(parts, name),
    });
    const { state } = this.#recovery;
    this.#simulation = new Simulation(parts, this.#pacer, state.abandoned);
    this.#states = new FollowerStates(state, interruptions, this.#simulation);
    this.#ticks = new TickSeries({
      count: () => this.tickCount,
      tick: () => this.#simulation.tick(),
      recordPositions: () => turns.run(() => driver.recordPositions(state.abandoned)),
      failed: (tick, error) => this.#recovery.fail(tick, error),
      get stopped() {
        return state.stopped;
      },
    });
    this.#waits = new SteppingWaits({
      system,
      running,
      stateOf: (name) => this.#states.of(name),
      stop: state,
      step: async () => nothingHappenedIn(await this.step()),
      next: async () => nothingHappenedIn(await this.#ticks.next()),
      recordPositions: () => this.#ticks.recordPositions(),
      assertNoneBlocked: () => interruptions.assertNoneBlocked(),
    });
    if (verbose) this.subscribe((tick) => process.stdout.write(`${lineOf(tick)}\n`));
    for (const { applicationName } of running.applications)
      publish('started', eventOf(parts, applicationName));
    if (!paused) this.resume();
  }

  /** Number of ticks since the start. */
  get tickCount(): number {
    return this.#simulation.tickCount;
  }

  /** Simulated time, in ms since 1970. */
  get simulatedTimeMs(): number {
    return this.#simulation.timeMs;
  }

  /** Ticks per second of real time, over the last 100 ticks of the clock; 0 before the first. */
  get actualClockSpeed(): number {
    return this.#pacer.actualHz;
  }

  get system(): System<Apps> {
    return this.#parts.system;
  }

  get storage(): StorageDescription {
    this.#assertNotClosed();
    return this.#parts.running.storage;
  }

  get<A extends Apps>(applicationClass: A, pipelineId?: number): InstanceType<A> {
    if (!this.#ticks.isInTick) this.#assertNotClosed(); // close() lets the tick under way end
    return this.#parts.running.get(applicationClass, pipelineId);
  }

  /**
   * Schedules a command for the end of the tick that comes `ticks` after the current one. Commands of the same tick are
   * called in the order in which they were scheduled. If a command throws, the runner stops.
   *
   * @example runner.callInFuture(() => runner.get(Orders).place('ada'), 60);
   * @throws {@link InvalidArgumentError} unless the command is a function and `ticks` is an integer >= 1.
   */
  callInFuture(command: () => unknown, ticks = 1): void {
    if (!this.#ticks.isInTick) this.#assertOpen();
    this.#simulation.schedule(command, ticks);
  }

  /**
   * Calls the listener after each tick. Returns the function that removes the listener. An error of the listener becomes
   * an uncaught exception of the process and does not stop the ticks.
   */
  subscribe(listener: (tick: Tick) => void): () => void {
    return this.#ticks.subscribe(listener);
  }

  /**
   * Runs one tick now.
   *
   * @throws {@link WaitInTickError} if a command or policy calls this method.
   * @throws {@link DownstreamError} if an application failed.
   * @throws {@link CommandError} if a command failed.
   */
  async step(): Promise<Tick> {
    this.#assertMayWait('step()');
    return this.#ticks.run();
  }

  /** Runs ticks until the condition holds after a tick, and returns that tick. Throws as {@link step} does. */
  async stepUntil(
    condition: (tick: Tick) => boolean | Promise<boolean>,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Tick> {
    const signal = signalOf(options, 'stepUntil()');
    assertFunction(condition, 'the condition of stepUntil()');
    for (;;) {
      signal?.throwIfAborted();
      const tick = await this.step();
      if (await condition(tick)) return tick;
      await yieldIfBusy();
    }
  }

  /** Stops the clock. Resolves when the tick under way has ended, or at once if called in that tick. */
  override pause(): Promise<void>;
  /**
   * Pauses an application from the next tick on; see {@link SystemRunner.pause}. Other processes pause it within about a
   * second. While the clock is stopped, `caughtUp()` and the other waits do not wait for it but reject with
   * {@link DownstreamError}.
   */
  override pause(application: Apps, options: OperationOptions): Promise<boolean>;
  override async pause(application?: Apps, options?: OperationOptions): Promise<boolean | void> {
    if (application !== undefined) return await super.pause(application, options as OperationOptions);
    this.#assertOpen();
    this.#clock.pause();
    if (!this.#ticks.isInTick) await this.#clock.ended;
  }

  /** Starts the clock again. */
  override resume(): void;
  /** Makes an application continue that is paused or has failed, from the next tick on; see {@link SystemRunner.resume}. */
  override resume(application: Apps, options: OperationOptions): Promise<boolean>;
  override resume(application?: Apps, options?: OperationOptions): Promise<boolean> | void {
    if (application !== undefined) return this.#resumeApplication(application, options as OperationOptions);
    this.#assertOpen();
    this.#clock.resume();
  }

  /** Resumes an application. If no failed one is left, waits until ticks may begin again. */
  async #resumeApplication(application: Apps, options: OperationOptions): Promise<boolean> {
    const isResumed = await super.resume(application, options);
    await this.#recovery.resumed();
    return isResumed;
  }

  /** Waits as {@link caughtUp} does, for a save. */
  async settled(saved: Saved, options: WaitOptions = {}): Promise<void> {
    await this.#waitsFor('settled()').settled(saved, options);
  }

  /** Waits as {@link caughtUp} does, for a save. */
  async processed(saved: Saved, options: ProcessedOptions<Apps>): Promise<void> {
    await this.#waitsFor('processed()').processed(saved, options);
  }

  /**
   * Resolves when everything that was recorded before the call, or by commands of the next tick, is processed, and
   * everything that follows from it; then one tick later. While the clock is paused, this method runs the ticks itself.
   *
   * @throws {@link DownstreamError} if an application failed or, while the clock is paused, waits for another pipeline or
   * another version.
   * @throws {@link WaitInTickError} if a command or policy calls this method.
   */
  async caughtUp(options: WaitOptions = {}): Promise<void> {
    await this.#waitsFor('caughtUp()').caughtUp(signalOf(options, 'caughtUp()'));
  }

  async status(): Promise<readonly ApplicationStatus[]> {
    this.#assertNotClosed();
    const { system, running } = this.#parts;
    return statusOf(system.graph, running.in(localPipelineId), (name) => this.#states.of(name));
  }

  /** Finishes the tick under way and releases everything. Resolves at once if called in that tick. */
  async close(): Promise<void> {
    this.#closing ??= closeStepping(this.#parts, this.#recovery, this.#ticks, this.#clock);
    if (!this.#ticks.isInTick) await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** @internal */
  protected override get operated(): OperatedSystem {
    this.#assertNotClosed();
    const { system, running, turns } = this.#parts;
    const statesOf = async (name: string) => [this.#states.of(name).state];
    const runTurn = <T>(work: () => Promise<T>) => turns.run(work);
    return { system, pipelineIds: [localPipelineId], running, statesOf, runTurn };
  }

  #waitsFor(call: string): TickWaits {
    this.#assertMayWait(call);
    this.#simulation.refreshNext(); // events that other processes recorded count, too
    return this.#clock.isPaused ? this.#waits.stepping : this.#waits.watching;
  }

  #assertMayWait(call: string): void {
    if (this.#ticks.isInTick) throw new WaitInTickError(call);
    this.#assertOpen();
  }

  /** Throws the error that stopped the runner, if any. */
  #assertOpen(): void {
    this.#assertNotClosed();
    this.#recovery.state.stopped.throwIfAborted();
  }

  #assertNotClosed(): void {
    if (this.#closing !== undefined) throw new RunnerClosedError();
  }
}
