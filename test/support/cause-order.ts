import type { Application, Cause, StoredNotification, System } from 'kahn';
import { expect } from 'vitest';
import { upstreamsOf } from '../../src/system/graph.ts';

type Logs = ReadonlyMap<string, readonly StoredNotification[]>;

/**
 * Asserts that relays processed every token that their upstreams moved once, and none before those of its causes, direct
 * or not, that are in the logs of their upstreams. Reads nothing but the logs of one pipeline.
 */
export async function assertCausesFirst(
  { graph }: System,
  applications: readonly Application[],
): Promise<void> {
  const logs: Logs = new Map(
    await Promise.all(
      applications.map(
        async ({ applicationName, log }) => [applicationName, await log.select(0, 2 ** 30)] as const,
      ),
    ),
  );
  for (const { name } of graph.nodes) assertCausesFirstOf(name, upstreamsOf(graph, name), logs);
}

function assertCausesFirstOf(name: string, upstreamNames: readonly string[], logs: Logs): void {
  const done = new Set<string>();
  for (const { id, cause } of logs.get(name) ?? []) {
    if (cause === undefined) continue; // a command
    const what = `${name}:${id} by ${keyOf(cause)}`;
    expect(upstreamNames, what).toContain(cause.applicationName);
    expect(done.has(keyOf(cause)), `${what}, for the first time`).toBe(false);
    for (let before = causeOf(cause, logs); before !== undefined; before = causeOf(before, logs)) {
      if (!upstreamNames.includes(before.applicationName)) continue;
      expect(done.has(keyOf(before)), `${what}, after its cause ${keyOf(before)}`).toBe(true);
    }
    done.add(keyOf(cause));
  }
  const moved = upstreamNames.flatMap((upstream) =>
    (logs.get(upstream) ?? []).flatMap(({ type, id }) =>
      type === 'Token.Moved' ? [`${upstream}:${id}`] : [],
    ),
  );
  expect([...done].sort(), `processed by ${name}`).toEqual(moved.sort());
}

function causeOf({ applicationName, notificationId }: Cause, logs: Logs): Cause | undefined {
  return logs.get(applicationName)?.[notificationId - 1]?.cause;
}

function keyOf({ applicationName, notificationId }: Cause): string {
  return `${applicationName}:${notificationId}`;
}
