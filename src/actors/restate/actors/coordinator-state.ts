import type { InvocationId, ObjectContext, ObjectSharedContext, SendClient } from '@restatedev/restate-sdk';
import { blockedBackoff } from '../../../runner/blocked-upstreams.ts';
import type { Interruption } from '../../../runner/runner.ts';
import type { PortableError } from '../../../util/portable-error.ts';
import { backoffMs } from '../../../util/retry.ts';
import { addressOfKey } from '../protocol/actor-names.ts';
import type {
  Heads,
  ProcessCoordinator,
  ProcessStatus,
  ProcessWorker,
  StartCoordinator,
  StepDone,
  StepFailure,
} from '../protocol/messages.ts';
import type { ActorSetup } from './actor-definition.ts';

/** State of a coordinator, kept in the engine while its system runs. The names of the fields are durable. */
interface State {
  runId: string;
  pollIntervalMs: number;
  upstreamNames: readonly string[];
  /** Number of steps so far. */
  steps: number;
  /** Logs to read in the next step. */
  prompted: Heads;
  /** Logs that the current step reads; undefined between steps. */
  underway: Heads | undefined;
  /** Number of polls since the current step began. */
  pollsSince: number;
  /** Upstreams that are set aside until the call `resumeId`. */
  aside: readonly string[];
  resumeId: InvocationId | undefined;
  /** Number of times in a row that upstreams were set aside. */
  interruptions: number;
  /** When upstreams were first set aside in that row, and when they are retried; missing in states of older versions. */
  interruptedSince?: number | undefined;
  nextTryAt?: number | undefined;
  /** Id of the next poll. */
  pollId: InvocationId | undefined;
  /** Time of the last poll; undefined before the first poll. */
  polledAt: number | undefined;
  /** Estimate of how far the services' clocks are behind that of the engine, in ms. */
  behindMs: number;
  hasFailed: boolean;
  lastError: PortableError | undefined;
}

const stateKey = 'state';
/** Codes of the errors of upstreams that wait for another pipeline, another version or the end of a pause. */
const blockingCodes: readonly unknown[] = ['CAUSAL_DEPENDENCY', 'OTHER_VERSION', 'PAUSED'];
const firstRetryMs = 50;
const maxRetryMs = 5_000;
/** Number of polls after which a step counts as lost, for example because its call was killed. */
const lostAfterPolls = 4;

/** The state of a coordinator during one call, and the transitions between states. */
export class CoordinatorState {
  readonly #ctx: ObjectContext;
  readonly #setup: ActorSetup;
  readonly #state: State;

  private constructor(ctx: ObjectContext, setup: ActorSetup, state: State) {
    this.#ctx = ctx;
    this.#setup = setup;
    this.#state = state;
  }

  /** Loads the state; undefined if the coordinator is stopped, or if `runId` belongs to another run. */
  static async load(
    ctx: ObjectContext,
    setup: ActorSetup,
    runId?: string,
  ): Promise<CoordinatorState | undefined> {
    const state = await ctx.get<State>(stateKey);
    const isCurrent = state !== null && (runId === undefined || state.runId === runId);
    return isCurrent ? new CoordinatorState(ctx, setup, state) : undefined;
  }

  /** Starts a coordinator, or resumes it after a failure, and reads all logs. */
  static async start(ctx: ObjectContext, setup: ActorSetup, message: StartCoordinator): Promise<void> {
    const { pollIntervalMs, upstreamNames } = message;
    const known = await CoordinatorState.load(ctx, setup, message.runId);
    const coordinator = known ?? new CoordinatorState(ctx, setup, initialState(message));
    coordinator.#cancelCalls();
    Object.assign(coordinator.#state, {
      pollIntervalMs,
      upstreamNames,
      interruptions: 0,
      aside: [],
      polledAt: undefined,
      hasFailed: false,
      lastError: undefined,
    });
    await coordinator.poll();
  }

  /** Makes a coordinator that has failed try again. */
  async restart(): Promise<void> {
    if (!this.#state.hasFailed) return;
    Object.assign(this.#state, { hasFailed: false, interruptions: 0, aside: [], polledAt: undefined });
    await this.poll();
  }

  /** Returns the status of a coordinator. */
  static async status(ctx: ObjectSharedContext): Promise<ProcessStatus> {
    const { applicationName } = addressOfKey(ctx.key);
    const state = await ctx.get<State>(stateKey);
    if (state === null) return { applicationName, state: 'stopped' };
    const { lastError } = state;
    const interruption = interruptionOf(state);
    return {
      applicationName,
      state: stateOf(state),
      ...(lastError !== undefined && { lastError }),
      ...(interruption !== undefined && { interruption }),
    };
  }

  /** Cancels future calls and deletes the state. */
  stop(): void {
    this.#cancelCalls();
    this.#ctx.clearAll();
  }

  /** Notes that logs may have grown. */
  prompt(heads: Heads): void {
    if (this.#state.hasFailed) return;
    this.#state.prompted = longest(this.#state.prompted, heads);
    this.#proceed();
  }

  /** Whether this call is the scheduled poll or resumption, rather than an outdated call. */
  get isExpected(): boolean {
    const { id } = this.#ctx.request();
    return id === this.#state.pollId || id === this.#state.resumeId;
  }

  /** Reads all logs, and schedules the next poll. */
  async poll(): Promise<void> {
    const state = this.#state;
    await this.#estimateClockSkew();
    const delayed = this.#setup.sdk.rpc.sendOpts<void>({ delay: state.pollIntervalMs + state.behindMs });
    state.pollId = await this.#self().poll(delayed).invocationId;
    this.#repeatLateStep();
    this.prompt(headsOf(state.upstreamNames));
  }

  /** Resumes upstreams that were set aside. */
  resume(): void {
    this.#state.resumeId = undefined;
    this.#state.aside = [];
    this.#proceed();
  }

  /** Notes the result of a step. */
  async done({ number, result: { more, trouble } }: StepDone): Promise<void> {
    const state = this.#state;
    if (state.underway === undefined || state.steps !== number) return; // a repeated step
    state.prompted = longest(state.prompted, headsOf(more));
    if (trouble === undefined) {
      if (state.aside.length === 0) state.interruptions = 0;
    } else if (trouble.aside !== undefined) {
      await this.#setAside(trouble, trouble.aside, state.underway);
    } else {
      this.#cancelCalls();
      Object.assign(state, { hasFailed: true, lastError: trouble.error, prompted: {}, aside: [] });
    }
    state.underway = undefined;
    this.#proceed();
  }

  /**
   * Estimates how far the service's clock is behind. The SDK sends the engine an absolute time, and the engine calls at
   * once if that time has passed: an early poll shows that the clock is behind, a late poll that the estimate is too
   * high.
   */
  async #estimateClockSkew(): Promise<void> {
    const state = this.#state;
    const now = await this.#ctx.date.now();
    if (state.polledAt !== undefined) {
      const earlyMs = state.pollIntervalMs - (now - state.polledAt);
      const isFarTooEarly = earlyMs > state.pollIntervalMs / 2;
      // Doubled each time, so that a clock that is far behind is found within a few polls.
      state.behindMs = Math.max(isFarTooEarly ? 2 * state.behindMs : 0, state.behindMs + earlyMs);
    }
    state.polledAt = now;
  }

  async #setAside({ error, failedAt }: StepFailure, names: readonly string[], heads: Heads): Promise<void> {
    const state = this.#state;
    state.lastError = error;
    state.aside = [...new Set([...state.aside, ...names])];
    // A head that the log has not reached is forgotten: it may be wrong, and a prompt is a hint.
    const isWrong = error.fields.code === 'STORAGE_MISMATCH';
    const again = Object.fromEntries(names.map((name) => [name, isWrong ? 0 : (heads[name] ?? 0)]));
    state.prompted = longest(state.prompted, again);
    if (state.resumeId !== undefined) return; // that call resumes these upstreams, too
    if (state.interruptions === 0) state.interruptedSince = failedAt;
    state.interruptions += 1;
    const maxMs = blockingCodes.includes(error.fields.code) ? blockedBackoff.maxMs : maxRetryMs;
    // The context's random numbers are the same again when the engine replays this call.
    const random = () => this.#ctx.rand.random();
    const delay = Math.round(backoffMs(state.interruptions, { firstMs: firstRetryMs, maxMs }, random));
    state.nextTryAt = failedAt && failedAt + delay;
    const delayed = this.#setup.sdk.rpc.sendOpts<void>({ delay: delay + state.behindMs });
    state.resumeId = await this.#self().resume(delayed).invocationId;
  }

  /** Starts the next step if none is running and there are logs to read that are not set aside; saves the state. */
  #proceed(): void {
    const state = this.#state;
    const isReady = ([name]: readonly [string, number]) => !state.aside.includes(name);
    const prompted = Object.entries(state.prompted);
    const ready = prompted.filter(isReady);
    if (state.underway === undefined && ready.length > 0) {
      state.steps += 1;
      state.underway = Object.fromEntries(ready);
      state.prompted = Object.fromEntries(prompted.filter((one) => !isReady(one)));
      state.pollsSince = 0;
      this.#callWorker(state.underway);
    }
    this.#ctx.set(stateKey, state);
  }

  /** Repeats the current step if it is late, each time after twice as many polls. */
  #repeatLateStep(): void {
    const state = this.#state;
    if (state.underway === undefined) return;
    state.pollsSince += 1;
    const isPowerOfTwo = (state.pollsSince & (state.pollsSince - 1)) === 0;
    if (state.pollsSince >= lostAfterPolls && isPowerOfTwo) this.#callWorker(state.underway);
  }

  #self(): SendClient<ProcessCoordinator> {
    return this.#ctx.objectSendClient<ProcessCoordinator>(this.#setup.coordinator, this.#ctx.key);
  }

  #callWorker(upstreams: Heads): void {
    const { runId, steps } = this.#state;
    this.#ctx
      .objectSendClient<ProcessWorker>(this.#setup.worker, this.#ctx.key)
      .process({ runId, number: steps, upstreams });
  }

  #cancelCalls(): void {
    const state = this.#state;
    for (const id of [state.pollId, state.resumeId]) {
      if (id !== undefined) this.#ctx.invocation(id).cancel();
    }
    state.pollId = undefined;
    state.resumeId = undefined;
  }
}

function initialState(message: StartCoordinator): State {
  return {
    ...message,
    steps: 0,
    prompted: {},
    underway: undefined,
    pollsSince: 0,
    aside: [],
    resumeId: undefined,
    interruptions: 0,
    pollId: undefined,
    polledAt: undefined,
    behindMs: 0,
    hasFailed: false,
    lastError: undefined,
  };
}

function stateOf({ hasFailed, interruptions, underway }: State): ProcessStatus['state'] {
  if (hasFailed) return 'failed';
  if (interruptions > 0) return 'interrupted'; // also during the next try
  return underway === undefined ? 'idle' : 'running';
}

function interruptionOf(state: State): Interruption | undefined {
  const { interruptedSince: since, interruptions: tries, nextTryAt } = state;
  if (tries === 0 || since === undefined || nextTryAt === undefined) return undefined;
  return { since, tries, nextTryAt };
}

/** Logs whose heads are unknown. */
function headsOf(names: readonly string[]): Heads {
  return Object.fromEntries(names.map((name) => [name, 0]));
}

function longest(some: Heads, others: Heads): Heads {
  const names = Object.keys({ ...some, ...others });
  return Object.fromEntries(names.map((name) => [name, Math.max(some[name] ?? 0, others[name] ?? 0)]));
}
