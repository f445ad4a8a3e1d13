import type { Application, ApplicationClass } from '../../application/application.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import type { System } from '../../system/system.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import { lastingApplication, type ScenarioCall } from './lasting-application.ts';
import { ownApplications } from './own-applications.ts';
import type { ScenarioRunner } from './scenario.ts';

/** Starts a runner on the storage as it was left. `hasEnded` of the result tells whether the runner has crashed. */
export type StartLife<Apps extends ApplicationClass> = () => Promise<Life<Apps>>;

/** A runner, from its start to its end. */
export interface Life<Apps extends ApplicationClass> {
  readonly runner: SystemRunner<Apps>;
  /** Whether the runner has crashed, so that its calls fail. */
  hasCrashed(): boolean;
  /** Whether a call may be repeated after an error, such as a failure that was planted. @default none may */
  isPassing?(error: unknown): boolean;
}

interface CurrentLife<Apps extends ApplicationClass> extends Life<Apps> {
  readonly applications: Map<string, Application>;
  readonly restarting: PromiseWithResolvers<'restarting'>;
  isOver: boolean;
}

/** A runner behind a scenario, which is replaced by a new one when it has crashed, or when it is restarted on purpose. */
export class LastingRunner<Apps extends ApplicationClass = ApplicationClass> {
  readonly #system: System<Apps>;
  readonly #start: StartLife<Apps>;
  readonly #faces = new Map<string, object>();
  readonly #underway = new Set<ScenarioCall>();
  #life: CurrentLife<Apps>;
  #replacing: Promise<void> | undefined;
  /** Number of runners that were replaced. */
  restarts = 0;

  private constructor(system: System<Apps>, start: StartLife<Apps>, first: Life<Apps>) {
    this.#system = system;
    this.#start = start;
    this.#life = begun(system, first);
  }

  static async start<Apps extends ApplicationClass>(
    system: System<Apps>,
    start: StartLife<Apps>,
  ): Promise<LastingRunner<Apps>> {
    return new LastingRunner(system, start, await start());
  }

  /** Commands of the scenario that have not returned. */
  get underway(): ReadonlySet<ScenarioCall> {
    return this.#underway;
  }

  /** What a scenario gets. */
  get face(): ScenarioRunner<Apps> {
    return {
      system: this.#system,
      get: (kind, pipelineId) => this.#face(kind, pipelineId),
      settled: (saved, options) => this.steadily((runner) => runner.settled(saved, options)),
      processed: (saved, options) => this.steadily((runner) => runner.processed(saved, options)),
      caughtUp: (options) => this.steadily((runner) => runner.caughtUp(options)),
      status: () => this.steadily((runner) => runner.status()),
      pause: (kind, options) => this.steadily((runner) => runner.pause(kind, options)),
      resume: (kind, options) => this.steadily((runner) => runner.resume(kind, options)),
      reset: (kind, options) => this.steadily((runner) => runner.reset(kind, options)),
      replay: (kind, options) => this.steadily((runner) => runner.replay(kind, options)),
      cancelReplay: (kind, id, options) => this.steadily((runner) => runner.cancelReplay(kind, id, options)),
      parked: (kind, filter) => this.#listed((runner) => runner.parked(kind, filter)),
      retry: (kind, filter, options) => this.steadily((runner) => runner.retry(kind, filter, options)),
      discard: (kind, filter, options) => this.steadily((runner) => runner.discard(kind, filter, options)),
      operations: () => this.#listed((runner) => runner.operations()),
    };
  }

  /** Makes a call with the runner, and repeats it with the next one if the runner crashes or is restarted meanwhile. */
  async steadily<T>(call: (runner: SystemRunner<Apps>) => Promise<T>): Promise<T> {
    for (;;) {
      await this.#replaced();
      const life = this.#life;
      try {
        const result = call(life.runner);
        result.catch(() => {}); // a call that a restart interrupts may fail later
        const first = await Promise.race([result, life.restarting.promise]);
        if (first !== 'restarting') return await result;
      } catch (error) {
        if (!life.isOver && !life.hasCrashed() && !life.isPassing?.(error)) throw error;
      }
    }
  }

  /** The open application of a class and pipeline, of the runner that was started last. */
  application<A extends Apps>(kind: A, pipelineId?: number): InstanceType<A> {
    const key = keyOf(kind, pipelineId);
    const known = this.#life.applications.get(key);
    if (known !== undefined) return known as InstanceType<A>;
    const application = this.#life.runner.get(kind, pipelineId);
    this.#life.applications.set(key, application);
    return application;
  }

  /** Replaces the runner by a new one. Calls under way are repeated. */
  async restart(): Promise<void> {
    this.#life.isOver = true;
    await this.#replaced();
  }

  /** Closes the runner. Resolves with false if it has crashed or failed by then: it is replaced with the next call. */
  async close(): Promise<boolean> {
    await this.#replacing;
    const life = this.#life;
    try {
      await life.runner.close();
    } catch (error) {
      if (!life.hasCrashed() && !life.isPassing?.(error)) throw error;
      life.isOver = true;
    }
    return !life.isOver && !life.hasCrashed();
  }

  /** Resolves when a runner is there that has not crashed. */
  async #replaced(): Promise<void> {
    while (this.#life.isOver || this.#life.hasCrashed()) {
      this.#replacing ??= this.#replace().finally(() => {
        this.#replacing = undefined;
      });
      await this.#replacing;
    }
  }

  async #replace(): Promise<void> {
    const { runner, restarting } = this.#life;
    this.#life.isOver = true;
    restarting.resolve('restarting');
    await runner.close().catch(() => {}); // the end of a runner that has crashed tells nothing
    this.#life = begun(this.#system, await this.#start());
    this.restarts += 1;
  }

  async *#listed<T>(
    list: (runner: SystemRunner<Apps>) => AsyncIterable<T>,
  ): AsyncGenerator<T, void, undefined> {
    yield* await this.steadily(async (runner) => {
      const all: T[] = [];
      for await (const one of list(runner)) all.push(one);
      return all;
    });
  }

  #face<A extends Apps>(kind: A, pipelineId?: number): InstanceType<A> {
    const key = keyOf(kind, pipelineId);
    const known = this.#faces.get(key);
    if (known !== undefined) return known as InstanceType<A>;
    this.application(kind, pipelineId); // throws what get() throws
    const face = lastingApplication(
      kind,
      () => this.application(kind, pipelineId),
      (call) => this.steadily(async () => call(this.application(kind, pipelineId))),
      this.#underway,
    );
    this.#faces.set(key, face);
    return face;
  }
}

function begun<Apps extends ApplicationClass>(system: System<Apps>, life: Life<Apps>): CurrentLife<Apps> {
  const { runner } = life;
  // Gets them now: a runner that is closed meanwhile gives none.
  const own = ownApplications(system);
  return {
    runner,
    hasCrashed: () => life.hasCrashed(),
    isPassing: (error) => life.isPassing?.(error) ?? false,
    applications: new Map(own.map((kind) => [keyOf(kind, undefined), runner.get(kind)])),
    restarting: Promise.withResolvers(),
    isOver: false,
  };
}

function keyOf(kind: unknown, pipelineId: number | undefined): string {
  if (typeof kind === 'function')
    return JSON.stringify([(kind as ApplicationClass).applicationName, pipelineId]);
  throw new InvalidArgumentError('Expected the class of an application, as in runner.get(Orders).');
}
