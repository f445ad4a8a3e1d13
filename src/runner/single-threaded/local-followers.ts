import { applicationInternals } from '../../application/application.ts';
import { processApplicationInternals } from '../../application/process-application.ts';
import type { PreparedEvents } from '../../application/recording/event-store.ts';
import type { System } from '../../system/system.ts';
import { resolvesWithin } from '../../util/timeout.ts';
import { localPipelineId } from '../local-pipeline.ts';
import { mustRecordWhenIdle } from '../positions/unrecorded-positions.ts';
import type { ApplicationState, Interruption } from '../runner.ts';
import type { RunningSystem } from '../running-system.ts';
import { CatchUp } from './catch-up.ts';
import { FollowedLog } from './followed-log.ts';
import { LocalApplication, type LocalApplicationHooks, type LocalLog } from './local-application.ts';
import { isBuilding, SchemaBuild } from './schema-build.ts';
import { Turns } from './turns.ts';
import { Wait } from './wait.ts';

/** Longest time for which the end of all work waits for positions to be recorded, in ms. */
const longestRecordingMs = 1_000;

/** The applications of a system in this thread, and the callers that wait for them. */
export class LocalFollowers {
  readonly #applications = new Map<string, LocalApplication>();
  readonly #logs: LocalLog[] = [];
  /** Projections that are built apart from the turns, so that no caller waits for them. */
  readonly #builds = new Map<LocalApplication, SchemaBuild>();
  readonly #turns: Turns;
  readonly #catchUp: CatchUp;
  /** Waits for which nothing is pending. */
  readonly #finished: Wait[] = [];
  readonly #signal: AbortSignal;
  /** Aborted when no further batch of a replay may begin. */
  readonly #closing = new AbortController();
  #replays: Promise<unknown> | undefined;

  /** @param signal Aborted when no further batch may begin. */
  constructor(system: System, running: RunningSystem, signal: AbortSignal) {
    const hooks: LocalApplicationHooks = {
      resume: (one) => {
        this.#turns.start(one.upstreams);
        this.#build(one);
      },
      failed: ({ name: applicationName, recorder }, error, operationId) => {
        running.failures.note({ applicationName, recorder, error, operationId });
      },
    };
    for (const [name, application] of running.in(localPipelineId)) {
      this.#applications.set(name, new LocalApplication(application, this.#applications.size, hooks));
    }
    for (const { upstream, downstream, eventTypes } of system.graph.edges) {
      const follower = this.#named(downstream);
      const followed = this.#named(upstream);
      const { mapper } = applicationInternals.storeOf(followed.application);
      const handledTypes = eventTypes.flatMap((type) => [type, mapper.storedTypeOf(type)]);
      const log = new FollowedLog(followed, follower, handledTypes);
      if (isBuilding(follower)) this.#buildOf(follower).logs.push(log);
      else this.#follow(log);
    }
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#releaseCommits(), { once: true });
    const recordsWhenIdle = mustRecordWhenIdle(system);
    const applications = [...this.#applications.values()];
    const finished = this.#finished;
    this.#turns = new Turns(applications, finished, recordsWhenIdle, signal);
    this.#catchUp = new CatchUp({ applications, logs: this.#logs, turns: this.#turns, finished, signal });
  }

  /** Processes everything that was recorded before; resolves when no application has work that it can do. */
  async start(): Promise<void> {
    for (const one of this.#applications.values()) {
      if (!one.isRemote) one.sawHead(await one.log.head());
      else for (const log of one.followers) log.mayHaveGrown = true; // another system that is away does not keep this one
    }
    for (const one of this.#applications.values())
      if (one.upstreams.length > 0 || this.#builds.has(one)) await one.obey(this.#signal);
    this.#replays = Promise.all(this.#startReplays());
    this.#turns.start(this.#prompted);
    for (const application of this.#builds.keys()) this.#build(application);
    await this.#turns.idle();
  }

  #startReplays(): readonly Promise<void>[] {
    const signal = AbortSignal.any([this.#signal, this.#closing.signal]);
    const followers = [...this.#applications.values()].filter(({ upstreams }) => upstreams.length > 0);
    return followers.map(({ process }) => processApplicationInternals.replay(process, signal));
  }

  /** Makes callers wait for a projection from now on, because its schema is about to become live. */
  async endBuild(applicationName: string): Promise<void> {
    await this.#builds.get(this.#named(applicationName))?.end();
  }

  /**
   * Makes the followers of a log process events up to `head`, which another process has recorded. The log may be one of
   * another system in the same storage: it has no followers here.
   */
  prompt(applicationName: string, head: number): void {
    const application = this.#applications.get(applicationName);
    if (application === undefined) return;
    application.sawHead(head);
    this.#turns.join(application.followers);
  }

  /** Makes all followers read their logs, which other processes may have extended. */
  readAll(): void {
    for (const log of this.#logs) log.mayHaveGrown = true;
    this.#turns.join(this.#prompted);
  }

  /** Makes all followers read their logs and record their positions, for which a caller waits. */
  readAndRecordAll(): void {
    this.#turns.requestPositions();
    this.readAll();
  }

  /** Runs a commit, then starts a turn for the followers of its log. */
  async commit(applicationName: string, commit: () => Promise<void>): Promise<void> {
    const application = this.#named(applicationName);
    if (application.commitHold.isHeld) await application.commitHold.released();
    await commit();
    if (application.followers.length > 0) this.#turns.start(application.followers);
  }

  /** Returns a promise that settles when everything that follows from recorded events is processed. */
  followed(
    applicationName: string,
    { logged, notificationId = 0 }: PreparedEvents,
  ): Promise<void> | undefined {
    const application = this.#named(applicationName);
    application.sawHead(notificationId);
    if (application.followers.length === 0 || logged.length === 0) return undefined;
    const wait = new Wait(this.#finished, () => problemOf(applicationName));
    application.track(wait, notificationId - logged.length, logged, 0, logged.length);
    wait.end();
    return wait.settled;
  }

  /**
   * Resolves when all notifications that are recorded now, and everything that follows from them, are processed.
   *
   * @throws {@link DownstreamError} if an application has failed, or waits for another pipeline or another version.
   */
  caughtUp(signal: AbortSignal | undefined): Promise<void> {
    return this.#catchUp.run(signal);
  }

  stateOf(applicationName: string): ApplicationState {
    const application = this.#named(applicationName);
    if (application.failure !== undefined) return 'failed';
    if (application.loop !== undefined) return application.loop.state;
    if (application.isInterrupted) return 'interrupted';
    return this.#turns.isActive(application) ? 'running' : 'idle';
  }

  lastErrorOf(applicationName: string): unknown {
    return this.#named(applicationName).lastError;
  }

  interruptionOf(applicationName: string): Interruption | undefined {
    return this.#named(applicationName).interruption;
  }

  /** Names of the applications that are processing notifications. */
  get working(): readonly string[] {
    return [...this.#applications.values()].flatMap(({ name, turn }) => (turn === undefined ? [] : [name]));
  }

  /** Begins to close: positions are no longer recorded after a time, but by {@link drained}. */
  beginToClose(): void {
    this.#closing.abort();
    this.#turns.close();
  }

  /**
   * Resolves when no application has work that it can do, and the positions behind ignored notifications are recorded, if
   * the storage answers soon: without them, the next start reads ignored notifications again.
   */
  async drained(): Promise<void> {
    await this.#replays;
    await Promise.all([...this.#builds.values()].map((build) => build.close()));
    await this.#turns.idle();
    this.#turns.requestPositions();
    this.#turns.start([]);
    await resolvesWithin(this.#turns.idle(), longestRecordingMs);
  }

  /** Rejects all callers that wait, and stops the retries of interrupted applications. */
  close(reason: unknown): void {
    for (const one of this.#applications.values()) one.cancelRetries();
    this.#turns.close();
    for (const wait of this.#finished.splice(0)) wait.settle();
    for (const log of this.#logs) for (const wait of log.takeWaits()) wait.reject(reason);
  }

  /** Makes the turns process a log. */
  #follow(log: LocalLog): void {
    log.follower.upstreams.push(log);
    (log.upstream as LocalApplication).followers.push(log);
    this.#logs.push(log);
  }

  /** Begins to build the schema of a projection, or begins again after a failure. */
  #build(application: LocalApplication): void {
    const build = this.#builds.get(application);
    if (application.failure === undefined) build?.start(() => this.#followBuilt(build));
  }

  #buildOf(application: LocalApplication): SchemaBuild {
    const build = this.#builds.get(application) ?? new SchemaBuild(application);
    this.#builds.set(application, build);
    return build;
  }

  /** Makes the turns process the logs of a projection that was built apart. */
  #followBuilt({ application, logs }: SchemaBuild): void {
    this.#builds.delete(application);
    for (const log of logs) {
      log.mayHaveGrown = true;
      this.#follow(log);
    }
    this.#turns.watch(application);
    this.#turns.start(logs);
  }

  /** Lets all commits proceed: the policy for which they wait may never settle. */
  #releaseCommits(): void {
    for (const one of this.#applications.values()) one.commitHold.release();
  }

  /** All logs, in the order in which their followers are prompted. */
  get #prompted(): readonly LocalLog[] {
    return [...this.#applications.values()].flatMap(({ followers }) => followers);
  }

  #named(applicationName: string): LocalApplication {
    return this.#applications.get(applicationName) as LocalApplication; // the graph has no other names
  }
}

function problemOf(applicationName: string): string {
  return `The events saved in '${applicationName}' are recorded, but not all followers could process them.`;
}
