import type { InvocationId, ObjectContext, ObjectSharedContext, SendClient } from '@restatedev/restate-sdk';
import { blockedBackoff } from '../../../runner/blocked-upstreams.ts';
import type { PortableError } from '../../../util/portable-error.ts';
import { addressOfKey } from '../protocol/actor-names.ts';
import type {
  Heads,
  ProcessCoordinator,
  ProcessStatus,
  ProcessWorker,
  Start,
  StepDone,
} from '../protocol/messages.ts';
import type { ActorSetup } from './actor-definition.ts';

/** What a coordinator remembers while its system runs. */
interface State {
  runId: string;
  pollIntervalMs: number;
  upstreamNames: readonly string[];
  /** How many steps there were. */
  steps: number;
  /** What is to be looked at with the next step. */
  prompted: Heads;
  /** What is looked at with the step under way, if there is one. */
  underway: Heads | undefined;
  /** How many polls there were since that began. */
  pollsSince: number;
  /** The upstreams that are not looked at before the call that ends their waiting. */
  aside: readonly string[];
  resumeId: InvocationId | undefined;
  /** How often in a row some were set aside. */
  interruptions: number;
  /** The call that polls next. */
  pollId: InvocationId | undefined;
  /** When the poll before was, if that is told. */
  polledAt: number | undefined;
  /** How far the clocks of services seem to be behind that of the engine, in milliseconds. */
  behindMs: number;
  hasFailed: boolean;
  lastError: PortableError | undefined;
}

const key = 'state';
const firstRetryMs = 50;
const maxRetryMs = 5_000;
/** After so many polls a step under way counts as lost: somebody has killed its call, perhaps. */
const patientPolls = 4;

/** What a coordinator does in one call. */
export class CoordinatorState {
  readonly #ctx: ObjectContext;
  readonly #cast: ActorSetup;
  readonly #state: State;

  private constructor(ctx: ObjectContext, cast: ActorSetup, state: State) {
    this.#ctx = ctx;
    this.#cast = cast;
    this.#state = state;
  }

  /** Lets a coordinator go on; not if it is stopped or, where that is told, belongs to another run. */
  static async of(
    ctx: ObjectContext,
    cast: ActorSetup,
    runId?: string,
  ): Promise<CoordinatorState | undefined> {
    const state = await ctx.get<State>(key);
    const isThere = state !== null && (runId === undefined || state.runId === runId);
    return isThere ? new CoordinatorState(ctx, cast, state) : undefined;
  }

  /** Lets a coordinator begin or, if it has failed, try again; all logs are looked at. */
  static async start(ctx: ObjectContext, cast: ActorSetup, message: Start): Promise<void> {
    const { pollIntervalMs, upstreamNames } = message;
    const known = await CoordinatorState.of(ctx, cast, message.runId);
    const coordination = known ?? new CoordinatorState(ctx, cast, initialState(message));
    const state = coordination.#state;
    coordination.#cancelCalls();
    Object.assign(state, {
      pollIntervalMs,
      upstreamNames,
      interruptions: 0,
      aside: [],
      polledAt: undefined,
      hasFailed: false,
      lastError: undefined,
    });
    await coordination.poll();
  }

  /** How a coordinator is doing. */
  static async status(ctx: ObjectSharedContext): Promise<ProcessStatus> {
    const { applicationName } = addressOfKey(ctx.key);
    const state = await ctx.get<State>(key);
    if (state === null) return { applicationName, state: 'stopped' };
    const { lastError } = state;
    return { applicationName, state: stateOf(state), ...(lastError !== undefined && { lastError }) };
  }

  /** Ends what is to come. */
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

  /** Whether this call is the one that was to poll next, or to end a waiting. */
  get isExpected(): boolean {
    const { id } = this.#ctx.request();
    return id === this.#state.pollId || id === this.#state.resumeId;
  }

  /** Looks at all logs, and will do so again. */
  async poll(): Promise<void> {
    const state = this.#state;
    await this.#setClock();
    const delayed = this.#cast.sdk.rpc.sendOpts<void>({ delay: state.pollIntervalMs + state.behindMs });
    state.pollId = await this.#self().poll(delayed).invocationId;
    this.#awaitLess();
    this.prompt(headsOf(state.upstreamNames));
  }

  /** Ends the waiting of those that were set aside. */
  resume(): void {
    this.#state.resumeId = undefined;
    this.#state.aside = [];
    this.#proceed();
  }

  /** Goes on after a step. */
  async done({ number, result: { more, trouble } }: StepDone): Promise<void> {
    const state = this.#state;
    if (state.underway === undefined || state.steps !== number) return; // it was counted as lost
    state.prompted = longest(state.prompted, headsOf(more));
    if (trouble === undefined) {
      if (state.aside.length === 0) state.interruptions = 0;
    } else if (trouble.aside !== undefined) {
      await this.#setAside(trouble.error, trouble.aside, state.underway);
    } else {
      this.#cancelCalls();
      Object.assign(state, { hasFailed: true, lastError: trouble.error, prompted: {}, aside: [] });
    }
    state.underway = undefined;
    this.#proceed();
  }

  /**
   * Learns how far the clock is behind. The engine is told of a time, not of a delay, and takes one that is past
   * already as now: a poll that comes too early tells that, and too late a one that it was thought too far.
   */
  async #setClock(): Promise<void> {
    const state = this.#state;
    const now = await this.#ctx.date.now();
    if (state.polledAt !== undefined) {
      const earlyMs = state.pollIntervalMs - (now - state.polledAt);
      const isFarTooEarly = earlyMs > state.pollIntervalMs / 2;
      // Twice as much each time, so that a clock that is far behind is found out in a few polls.
      state.behindMs = Math.max(isFarTooEarly ? 2 * state.behindMs : 0, state.behindMs + earlyMs);
    }
    state.polledAt = now;
  }

  async #setAside(error: PortableError, names: readonly string[], heads: Heads): Promise<void> {
    const state = this.#state;
    state.lastError = error;
    state.aside = [...new Set([...state.aside, ...names])];
    state.prompted = longest(
      state.prompted,
      Object.fromEntries(names.map((name) => [name, heads[name] ?? 0])),
    );
    if (state.resumeId !== undefined) return; // then it ends the waiting of these, too
    state.interruptions += 1;
    const maxMs = error.fields.code === 'CAUSAL_DEPENDENCY' ? blockedBackoff.maxMs : maxRetryMs;
    const longestMs = Math.min(firstRetryMs * 2 ** (state.interruptions - 1), maxMs);
    // Up to half of it is left to chance, so that those who failed together do not come back together.
    const delay = Math.round(longestMs * (0.5 + this.#ctx.rand.random() / 2));
    const delayed = this.#cast.sdk.rpc.sendOpts<void>({ delay: delay + state.behindMs });
    state.resumeId = await this.#self().resume(delayed).invocationId;
  }

  /** Begins the next step if there is anything to look at and nothing in the way; remembers everything. */
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
      this.#tellWorker(state.underway);
    }
    this.#ctx.set(key, state);
  }

  /** Asks for the step under way again when it is late, each time after twice as many polls. */
  #awaitLess(): void {
    const state = this.#state;
    if (state.underway === undefined) return;
    state.pollsSince += 1;
    const isPowerOfTwo = (state.pollsSince & (state.pollsSince - 1)) === 0;
    if (state.pollsSince >= patientPolls && isPowerOfTwo) this.#tellWorker(state.underway);
  }

  #self(): SendClient<ProcessCoordinator> {
    return this.#ctx.objectSendClient<ProcessCoordinator>(this.#cast.coordinator, this.#ctx.key);
  }

  #tellWorker(upstreams: Heads): void {
    const { runId, steps } = this.#state;
    this.#ctx
      .objectSendClient<ProcessWorker>(this.#cast.worker, this.#ctx.key)
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

function initialState(message: Start): State {
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

function stateOf({ hasFailed, aside, underway }: State): ProcessStatus['state'] {
  if (hasFailed) return 'failed';
  if (underway !== undefined) return 'running';
  return aside.length > 0 ? 'interrupted' : 'idle';
}

/** Logs that may have grown by nobody knows how much. */
function headsOf(names: readonly string[]): Heads {
  return Object.fromEntries(names.map((name) => [name, 0]));
}

function longest(some: Heads, others: Heads): Heads {
  const names = Object.keys({ ...some, ...others });
  return Object.fromEntries(names.map((name) => [name, Math.max(some[name] ?? 0, others[name] ?? 0)]));
}
