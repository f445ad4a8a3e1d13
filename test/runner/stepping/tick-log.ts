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

/** What can be told of a tick, and is the same always. */
interface TickRecord {
  readonly number: number;
  readonly simulatedTimeMs: number;
  readonly applications: readonly ApplicationTick[];
  /** What has come to each log, with all columns. */
  readonly logs: readonly (readonly StoredNotification[])[];
}

/** A run, tick by tick. */
export interface Chronicle {
  readonly ticks: readonly TickRecord[];
  readonly end: Remains;
}

/** What a run leaves behind besides its logs. */
interface Remains {
  readonly positions: Readonly<Record<string, number>>;
  /** The newest snapshot of each aggregate that has one. */
  readonly snapshots: readonly StoredSnapshot[];
}

/** How a run is written down. */
export interface Story<Apps extends ApplicationClass> {
  readonly system: System<Apps>;
  readonly ticks: number;
  /** Called before the first tick, to schedule commands. */
  begin(runner: SteppingRunner<Apps>): void;
}

/** Runs a story on empty storage, and writes down what is recorded at each tick. */
export async function chronicleOf<Apps extends ApplicationClass>(
  { system, ticks, begin }: Story<Apps>,
  { start }: Stepper,
  storage: StorageDescription,
  options: SteppingRunnerOptions = {},
): Promise<Chronicle> {
  const bound = system.bind(storage);
  const records: TickRecord[] = [];
  {
    await using runner = await start(bound, { startTimeMs, paused: true, ...options });
    begin(runner);
    const applications = bound.applications.map((kind) => runner.get(kind) as Application);
    const heads = applications.map(() => 0);
    for (let i = 0; i < ticks; i += 1) {
      const { number, simulatedTimeMs, applications: told } = await runner.step();
      const logs = await Promise.all(applications.map(({ log }, of) => log.select(heads[of] ?? 0, 10_000)));
      for (const [of, log] of logs.entries()) heads[of] = (heads[of] ?? 0) + log.length;
      records.push({ number, simulatedTimeMs, applications: told, logs });
    }
  }
  return { ticks: records, end: await remainsOf(bound) };
}

async function remainsOf<Apps extends ApplicationClass>(system: System<Apps>): Promise<Remains> {
  await using runner = await SteppingSingleThreadedRunner.start(system, { paused: true });
  const positions: Record<string, number> = {};
  const snapshots: StoredSnapshot[] = [];
  for (const kind of system.applications) {
    const application = runner.get(kind) as Application;
    const { applicationName, log } = application;
    const { recorder } = applicationInternals.storeOf(application);
    for (const { upstream, downstream } of system.graph.edges) {
      if (downstream !== applicationName) continue;
      positions[`${upstream}>${downstream}`] = await recorder.position(0, upstream);
    }
    const ids = new Set((await log.select(0, 10_000)).map(({ originatorId }) => originatorId));
    const requests = [...ids].map((originatorId) => ({ originatorId, after: 0, useSnapshot: true }));
    for (const { snapshot } of await recorder.histories(requests)) if (snapshot) snapshots.push(snapshot);
  }
  return { positions, snapshots };
}
