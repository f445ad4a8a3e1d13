import {
  type Application,
  type ApplicationClass,
  type ApplicationTick,
  SteppingMultiThreadedRunner,
  type SteppingRunner,
  type SteppingRunnerOptions,
  SteppingSingleThreadedRunner,
  type StorageDescription,
  type StoredNotification,
  type System,
} from 'kahn';
import type { StoredSnapshot } from 'kahn/storage';
import { applicationInternals } from '../../../src/application/application.ts';

export const steppers = [
  {
    name: 'single-threaded',
    start: <Apps extends ApplicationClass>(system: System<Apps>, options: SteppingRunnerOptions) =>
      SteppingSingleThreadedRunner.start(system, options),
  },
  {
    name: 'multi-threaded',
    start: <Apps extends ApplicationClass>(system: System<Apps>, options: SteppingRunnerOptions) =>
      SteppingMultiThreadedRunner.start(system, options),
  },
] as const;

export type Stepper = (typeof steppers)[number];

/** 2026-01-01. */
export const startTimeMs = 1_767_225_600_000;

/** The parts of a tick that are the same in every run. */
interface TickRecord {
  readonly number: number;
  readonly simulatedTimeMs: number;
  readonly applications: readonly ApplicationTick[];
  /** New notifications of each log, with all columns. */
  readonly logs: readonly (readonly StoredNotification[])[];
}

/** Records of a run, tick by tick. */
export interface TickLog {
  readonly ticks: readonly TickRecord[];
  readonly end: EndState;
}

/** Contents of the storage after a run, besides the logs. */
interface EndState {
  readonly positions: Readonly<Record<string, number>>;
  /** The newest snapshot of each aggregate that has one. */
  readonly snapshots: readonly StoredSnapshot[];
}

/** A system, and the commands to run on it. */
export interface Scenario<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly ticks: number;
  /** Records what the runner finds. */
  prepare?(storage: StorageDescription): Promise<void>;
  /** Schedules the commands, before the first tick. */
  schedule(runner: SteppingRunner<Apps>): void;
}

/** Prepares empty storage, runs a scenario on it, and returns the records of each tick. */
export async function logTicks<Apps extends ApplicationClass>(
  { system, ticks, prepare, schedule }: Scenario<Apps>,
  { start }: Stepper,
  storage: StorageDescription,
  options: SteppingRunnerOptions = {},
): Promise<TickLog> {
  await prepare?.(storage);
  const bound = system.bind(storage);
  const records: TickRecord[] = [];
  {
    await using runner = await start(bound, { startTimeMs, paused: true, ...options });
    schedule(runner);
    const applications = bound.applications.map((kind) => runner.get(kind) as Application);
    const heads = applications.map(() => 0);
    for (let i = 0; i < ticks; i += 1) {
      const { number, simulatedTimeMs, applications: work } = await runner.step();
      const logs = await Promise.all(applications.map(({ log }, of) => log.select(heads[of] ?? 0, 10_000)));
      for (const [of, log] of logs.entries()) heads[of] = (heads[of] ?? 0) + log.length;
      records.push({ number, simulatedTimeMs, applications: work, logs });
    }
  }
  return { ticks: records, end: await endStateOf(bound) };
}

async function endStateOf<Apps extends ApplicationClass>(system: System<Apps>): Promise<EndState> {
  await using runner = await SteppingSingleThreadedRunner.start(system, { paused: true });
  const positions: Record<string, number> = {};
  const snapshots: StoredSnapshot[] = [];
  for (const kind of system.applications) {
    const application = runner.get(kind) as Application;
    const { applicationName, log } = application;
    const { recorder } = applicationInternals.storeOf(application);
    for (const { upstream, downstream } of system.graph.edges) {
      if (downstream !== applicationName) continue;
      positions[`${upstream}>${downstream}`] = (await recorder.position(0, upstream)).position;
    }
    const ids = new Set((await log.select(0, 10_000)).map(({ originatorId }) => originatorId));
    const requests = [...ids].map((originatorId) => ({ originatorId, after: 0, useSnapshot: true }));
    for (const { snapshot } of await recorder.histories(requests)) if (snapshot) snapshots.push(snapshot);
  }
  return { positions, snapshots };
}
