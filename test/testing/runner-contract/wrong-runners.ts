import { type Application, SingleThreadedRunner, type SystemRunner } from 'kahn';
import type { Recorder } from 'kahn/storage';
import type { RunnerSubject } from 'kahn/testing';
import { ForgettingRecorder, ReorderingRecorder, wrongStorage } from './wrong-storage.ts';

type Start = RunnerSubject['start'];

const singleThreaded: Start = (system, options) => SingleThreadedRunner.start(system, options);

/** Returns a runner with other methods. */
function withMethods<Runner extends SystemRunner>(runner: Runner, methods: Partial<SystemRunner>): Runner {
  return new Proxy(runner, {
    get(_, name) {
      const own = Reflect.get(methods, name === Symbol.asyncDispose ? 'close' : name);
      const value = own ?? Reflect.get(runner, name);
      return typeof value === 'function' ? value.bind(runner) : value;
    },
  });
}

/** Starts the single-threaded runner with other methods. */
function changed(methodsOf: (runner: SystemRunner) => Partial<SystemRunner>): Start {
  return async (system, options) => {
    const runner = await singleThreaded(system, options);
    return withMethods(runner, methodsOf(runner));
  };
}

/** Starts a runner, and gives applications that record without its knowledge. */
function apart(start: Start): Start {
  return async (system, options) => {
    const runner = await start(system, options);
    await using opening = new AsyncDisposableStack();
    opening.defer(() => runner.close());
    const applications = new Map<unknown, Application>();
    const other = system.bind(options.storage ?? runner.storage);
    for (const kind of system.applications) applications.set(kind, opening.use(await other.open(kind)));
    const opened = opening.move();
    const get = (kind: unknown) => applications.get(kind) as never;
    return withMethods(runner, { get, close: () => opened.disposeAsync() });
  };
}

/** Starts the single-threaded runner with another recorder of one application. */
function on(applicationName: string, wrong: new (recorder: Recorder) => Recorder): Start {
  return (system, { storage = system.storage, ...options }) =>
    singleThreaded(system, {
      ...options,
      ...(storage && { storage: wrongStorage(storage, applicationName, (recorder) => new wrong(recorder)) }),
    });
}

/** A runner with one fault, and the test of the contract that finds it. */
export interface WrongRunner {
  readonly fault: string;
  readonly start: Start;
  readonly foundBy: string;
  readonly message: RegExp;
  /** Time after which a wait fails that never ends. */
  readonly waitLimitMs?: number;
}

/** Timers that a runner leaves. */
export const leftTimers: NodeJS.Timeout[] = [];

export const wrongRunners: readonly WrongRunner[] = [
  {
    fault: 'loses prompts',
    start: apart(singleThreaded),
    foundBy: 'handles what is saved without being asked',
    message: /until the order is paid/,
    waitLimitMs: 2_000,
  },
  {
    fault: 'delivers events twice after a restart',
    start: on('payments', ForgettingRecorder),
    foundBy: 'handles each event once, however often the runner is closed and started',
    message: /^payments, in the order of the orders/,
  },
  {
    fault: 'reorders events',
    start: apart(on('orders', ReorderingRecorder)),
    foundBy: 'handles what was recorded before the start, in batches of any size',
    message: /^reservations, in the order of the orders/,
  },
  {
    fault: 'swallows failures',
    start: changed((runner) => ({ caughtUp: (options) => runner.caughtUp(options).catch(() => {}) })),
    foundBy: 'reports a failure, and stops the application and no other',
    message: /Missing expected rejection/,
  },
  {
    fault: 'leaves a timer behind',
    start: changed((runner) => ({
      close: () => {
        leftTimers.push(setInterval(() => {}, 60_000));
        return runner.close();
      },
    })),
    foundBy: 'close() releases everything that keeps the process alive',
    message: /resources that close\(\) has left\n[\s\S]*'Timeout'/,
    waitLimitMs: 5_000,
  },
  {
    fault: 'does not wait',
    start: apart(changed(() => ({ caughtUp: async () => {} }))),
    foundBy: 'caughtUp() resolves when everything is handled, and what follows from it',
    message: /0 !== 5/,
  },
  {
    fault: 'forgets to pause',
    start: changed(() => ({ pause: async () => true })),
    foundBy: 'a paused application handles nothing until it is resumed, also after a restart',
    message: /true !== false/,
  },
];
