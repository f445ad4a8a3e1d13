import {
  type Application,
  type ApplicationClass,
  type ApplicationTick,
  type Persistence,
  SteppingMultiThreadedRunner,
  type SteppingOptions,
  type SteppingRunner,
  SteppingSingleThreadedRunner,
  type StoredNotification,
  type System,
} from 'kahn';
import { applicationInternals } from '../../../src/application/application.ts';

export const steppers = [
  {
    name: 'single-threaded',
    start: <Apps extends ApplicationClass>(system: System<Apps>, options: SteppingOptions) =>
      SteppingSingleThreadedRunner.start(system, options),
  },
  {
    name: 'multi-threaded',
    start: <Apps extends ApplicationClass>(system: System<Apps>, options: SteppingOptions) =>
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
  /** What each application knows of its upstreams at the end, and the newest snapshots of some aggregates. */
  readonly positions: Readonly<Record<string, number>>;
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
  persistence: Persistence,
  options: SteppingOptions = {},
): Promise<Chronicle> {
  const bound = system.bind(persistence);
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
  return { ticks: records, positions: await positionsOf(bound) };
}

/** The positions that a runner has left. */
async function positionsOf<Apps extends ApplicationClass>(
  system: System<Apps>,
): Promise<Readonly<Record<string, number>>> {
  await using runner = await SteppingSingleThreadedRunner.start(system, { paused: true });
  const positions: Record<string, number> = {};
  for (const { upstream, downstream } of system.graph.edges) {
    const follower = system.applications.find(({ applicationName }) => applicationName === downstream);
    const { recorder } = applicationInternals.storeOf(runner.get(follower!));
    positions[`${upstream}>${downstream}`] = await recorder.position(0, upstream);
  }
  return positions;
}
