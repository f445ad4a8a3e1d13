import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Application,
  DownstreamError,
  KahnError,
  memory,
  NotificationParkedError,
  pipelineFor,
  type StorageDescription,
  type System,
  type SystemRunner,
  verify,
} from 'kahn';
import { postgres } from 'kahn/postgres';
import { sqlite } from 'kahn/sqlite';
import { canonicalHistories } from 'kahn/testing';
import { freshName } from '../support/servers/postgres-server.ts';
import { inTime } from '../support/until.ts';
import type { GetApplication } from './cases/case.ts';
import { type Combination, nameOf } from './matrix.ts';
import { parkedTexts, rowTexts } from './recorded-texts.ts';

/** What is on record after a run. */
export interface Outcome {
  /** What must be equal in all runs of a case. */
  readonly state: readonly string[];
  /** All logs with all columns, which must be equal in all runs of a case with a clock; undefined without a clock. */
  readonly logs: string | undefined;
}

/** Time at which the clock of a stepping runner begins. */
const startTimeMs = Date.UTC(2026, 0, 1);

/** Runs a combination on empty storage. Throws if it must be refused and is not, or if `verify()` finds a fault. */
export async function outcomeOf(combination: Combination, postgresUrl: string): Promise<Outcome | undefined> {
  using place = storageNamed(combination.storageName, postgresUrl);
  const system = combination.tested.systemOn(combination.storageName).bind(place.storage);
  if (combination.refusal !== undefined) return void (await assertRefused(combination, system));
  const outcome = await run(combination, system);
  const { faults } = await verify(place.storage, system);
  if (faults.length > 0) throw new Error(faults.map(({ message }) => message).join('\n'));
  return outcome;
}

async function run(combination: Combination, system: System): Promise<Outcome> {
  const { tested, kind, batchSize } = combination;
  const pipelineIds = Array.from({ length: combination.pipelines }, (_, i) => i);
  const getFrom =
    (runner: SystemRunner): GetApplication =>
    (one, key) =>
      runner.get(one, pipelineFor(key, pipelineIds)) as InstanceType<typeof one>;

  if (kind.startStepping !== undefined) {
    await using runner = await kind.startStepping(system, { batchSize, startTimeMs, paused: true });
    const commands = tested.commands(getFrom(runner));
    for (const [i, command] of commands.entries()) runner.callInFuture(command, i + 1);
    await runner.stepUntil(({ number }) => number > commands.length, { signal: inTime() });
    await unlessParked(runner.caughtUp({ signal: inTime() }));
    return {
      state: await stateOf(combination, runner, pipelineIds, getFrom(runner)),
      logs: await logsOf(runner),
    };
  }
  const several = kind.hasPipelines ? { pipelineIds } : {};
  await using runner = await kind.start(system, { batchSize, ...several });
  for (const command of tested.commands(getFrom(runner))) await unlessParked(command());
  await unlessParked(runner.caughtUp({ signal: inTime() }));
  return { state: await stateOf(combination, runner, pipelineIds, getFrom(runner)), logs: undefined };
}

/** Waits, and ignores that notifications are parked by then. */
async function unlessParked(waiting: Promise<unknown>): Promise<void> {
  try {
    await waiting;
  } catch (error) {
    const failures = error instanceof DownstreamError ? [...error.failures.values()] : [error];
    if (!failures.every((failure) => failure instanceof NotificationParkedError)) throw error;
  }
}

async function stateOf(
  { tested }: Combination,
  runner: SystemRunner,
  pipelineIds: readonly number[],
  get: GetApplication,
): Promise<readonly string[]> {
  if (tested.agreement !== undefined) return await tested.agreement(get);
  const { applications } = runner.system;
  const open = pipelineIds.flatMap((id) => applications.map((kind): Application => runner.get(kind, id)));
  const histories = await canonicalHistories(open, { causes: true });
  return [...histories, ...(await rowTexts(runner)), ...(await parkedTexts(runner))];
}

async function logsOf(runner: SystemRunner): Promise<string> {
  const logs = runner.system.applications.map((kind) =>
    (runner.get(kind) as Application).log.select(0, 100_000),
  );
  return JSON.stringify(await Promise.all(logs));
}

async function assertRefused(combination: Combination, system: System): Promise<void> {
  const { kind, batchSize, pipelines } = combination;
  const several = pipelines > 1 ? { pipelineIds: Array.from({ length: pipelines }, (_, i) => i) } : {};
  try {
    await (await kind.start(system, { batchSize, ...several })).close();
  } catch (error) {
    if (error instanceof KahnError) return;
    throw error;
  }
  throw new Error(`${nameOf(combination)} is not refused.`);
}

/** Empty storage, which is removed at the end if it is a file. */
function storageNamed(
  name: string,
  postgresUrl: string,
): Disposable & { readonly storage: StorageDescription } {
  if (name === 'memory') return { storage: memory(), [Symbol.dispose]() {} };
  if (name === 'postgres') {
    const storage = postgres({ connectionString: postgresUrl, schema: freshName('conformance') });
    return { storage, [Symbol.dispose]() {} };
  }
  const directory = mkdtempSync(join(tmpdir(), 'kahn-conformance-'));
  return {
    storage: sqlite({ file: join(directory, 'system.db'), synchronous: 'NORMAL' }),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
