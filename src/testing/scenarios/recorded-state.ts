import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { Application, ApplicationClass } from '../../application/application.ts';
import { ProcessApplication } from '../../application/process-application.ts';
import { isProjection } from '../../application/projection/projection-declaration.ts';
import { DownstreamError } from '../../runner/errors.ts';
import type { SystemRunner } from '../../runner/runner.ts';
import type { System } from '../../system/system.ts';
import { isError } from '../../util/errors.ts';
import { type History, historiesOf, textsOf, uuidsIn } from '../canonical-histories.ts';
import { readTables } from '../given-when-then/table-rows.ts';
import type { LastingRunner } from './lasting-runner.ts';
import { ownApplications } from './own-applications.ts';

/** Interval at which schemas are checked that are being built, in ms. */
const schemaCheckMs = 20;

/** What is on record after a scenario: histories, rows of projections and parked notifications, with its result. */
export class RecordedState {
  readonly #histories: readonly History[];
  #texts: readonly string[] | undefined;

  constructor(histories: readonly History[]) {
    this.#histories = histories;
  }

  /** Whether nothing is on record, and the scenario returned nothing. */
  get isEmpty(): boolean {
    return this.#histories.length === 0;
  }

  /** Sorted texts, equal for two runs of one scenario, unless names are made of random ids. */
  get texts(): readonly string[] {
    this.#texts ??= textsOf(this.#histories);
    return this.#texts;
  }

  /** Sorted texts to be compared with those of another run: ids that the other run does not have are labels, too. */
  textsBeside(other: RecordedState): readonly string[] {
    const own = uuidsIn(this.#histories).difference(uuidsIn(other.#histories));
    return textsOf(this.#histories, own);
  }
}

/** Waits until a system has caught up, and returns what is on record. */
export async function recordedState<Apps extends ApplicationClass>(
  system: System<Apps>,
  lasting: LastingRunner<Apps>,
  result: unknown,
): Promise<RecordedState> {
  return await lasting.steadily(async (runner) => {
    await caughtUpButParked(runner);
    await schemasBuilt(runner);
    const own = ownApplications(system);
    const others = resultTexts(result);
    for (const kind of own)
      others.push(...(await rowsOf(kind, runner)), ...(await parkedBy(kind, system, runner)));
    const applications = new Set<Application>(own.map((kind) => runner.get(kind)));
    return new RecordedState([...(await historiesOf(applications, false)), ...others]);
  });
}

/** Resolves when everything is processed but what is parked. */
async function caughtUpButParked(runner: SystemRunner): Promise<void> {
  try {
    await runner.caughtUp();
  } catch (error) {
    if (!(error instanceof DownstreamError) || ![...error.failures.values()].every(isParked)) throw error;
  }
}

/** Whether an error, maybe of another thread or process, says that a notification is parked. */
function isParked(error: unknown): boolean {
  return isError(error) && 'code' in error && error.code === 'NOTIFICATION_PARKED';
}

/** Resolves when no schema of a projection is being built. */
async function schemasBuilt(runner: SystemRunner): Promise<void> {
  while ((await runner.status()).some(({ building }) => building !== undefined)) await delay(schemaCheckMs);
}

async function rowsOf<Apps extends ApplicationClass>(
  kind: Apps,
  runner: SystemRunner<Apps>,
): Promise<readonly History[]> {
  const application: Application = runner.get(kind);
  if (!(application instanceof ProcessApplication) || !isProjection(kind)) return [];
  const tables = await readTables(application, kind.tables);
  return Object.entries(tables).flatMap(([table, rows]) =>
    rows.map((row) => ({
      applicationName: kind.applicationName,
      id: `row of ${table}`,
      events: [text(row)],
    })),
  );
}

async function parkedBy<Apps extends ApplicationClass>(
  kind: Apps,
  { graph }: System<Apps>,
  runner: SystemRunner<Apps>,
): Promise<readonly History[]> {
  const { applicationName } = kind;
  if (!graph.edges.some(({ downstream }) => downstream === applicationName)) return [];
  const histories: History[] = [];
  for await (const { upstreamName, originatorId, events, error } of runner.parked(kind)) {
    const contents = events.map(
      ({ type, originatorVersion }) => `${originatorId} v${originatorVersion} ${type}`,
    );
    const reason = error === undefined ? 'behind another one' : `by ${error.name}`;
    histories.push({ applicationName, id: `parked of ${upstreamName}`, events: [...contents, reason] });
  }
  return histories;
}

/** Texts of what a scenario returned; none for nothing. */
function resultTexts(result: unknown): History[] {
  return result === undefined
    ? []
    : [{ applicationName: 'scenario', id: 'result', events: text(result).split('\n') }];
}

function text(value: unknown): string {
  return inspect(value, {
    depth: 20,
    sorted: true,
    maxArrayLength: 10_000,
    maxStringLength: 100_000,
    breakLength: 120,
  });
}
