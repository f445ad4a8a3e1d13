import { Projection, type SystemRunner } from 'kahn';
import { readTables } from '../../src/testing/given-when-then/table-rows.ts';

/** Ids of aggregates, which differ in every run. */
const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Returns the rows of all projections as sorted texts without ids. */
export async function rowTexts(runner: SystemRunner): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const kind of runner.system.applications) {
    const application = runner.get(kind);
    if (!(application instanceof Projection)) continue;
    const { tables } = kind as unknown as { readonly tables: readonly string[] };
    for (const [table, rows] of Object.entries(await readTables(application, tables)))
      for (const row of rows) texts.push(`row of ${table}: ${JSON.stringify(row).replaceAll(uuid, 'id')}`);
  }
  return texts.sort();
}

/** Returns the parked notifications of all applications as sorted texts. */
export async function parkedTexts(runner: SystemRunner): Promise<readonly string[]> {
  const followers = new Set(runner.system.graph.edges.map(({ downstream }) => downstream));
  const texts: string[] = [];
  for (const kind of runner.system.applications) {
    if (!followers.has(kind.applicationName)) continue;
    for await (const { applicationName, upstreamName, events, error } of runner.parked(kind)) {
      const what = events.map(
        ({ type, originatorId, originatorVersion }) => `${type} ${originatorId} v${originatorVersion}`,
      );
      texts.push(
        `parked by ${applicationName}: ${upstreamName} ${what.join()} ${error?.message ?? 'behind another one'}`,
      );
    }
  }
  return texts.sort();
}
