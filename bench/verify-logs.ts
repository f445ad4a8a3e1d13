import assert from 'node:assert/strict';
import type { Application, StoredNotification } from 'kahn';

/** Complete logs by application name. */
export type Logs = ReadonlyMap<string, readonly StoredNotification[]>;

const histories = {
  1: { orders: ['Order.Created'] },
  5: {
    orders: ['Order.Created', 'Order.Reserved', 'Order.Paid'],
    reservations: ['Reservation.Created'],
    payments: ['Payment.Created'],
  },
};

/**
 * Asserts that every aggregate has its complete history exactly once, that the logs have no gaps, and that events have
 * correlation ids and causes. Returns the bytes stored as data, which are the same for every candidate because all ids are UUIDs.
 */
export function verifyLogs(logs: Logs, orders: number, eventsPerOrder: 1 | 5): number {
  const expected = Object.entries(histories[eventsPerOrder]);
  assert.deepEqual([...logs.keys()].sort(), expected.map(([name]) => name).sort());
  let bytes = 0;
  for (const [name, types] of expected) {
    const log = logs.get(name) ?? [];
    assert.equal(log.length, orders * types.length, `events of ${name}`);
    for (const [i, { id, type, cause, correlationId }] of log.entries()) {
      assert.equal(id, i + 1, `notification ids of ${name}`);
      assert.ok(correlationId !== undefined, `correlation ids of ${name}`);
      assert.ok(cause !== undefined || type === 'Order.Created', `causes of ${name}`);
    }
    const found = Map.groupBy(log, ({ originatorId }) => originatorId);
    assert.equal(found.size, orders, `aggregates of ${name}`);
    for (const events of found.values()) assert.deepEqual(sorted(events), types);
    bytes += log.reduce((sum, { data }) => sum + data.length, 0);
  }
  return bytes;
}

/** Reads complete logs. */
export async function readLogs(applications: readonly Application[]): Promise<Logs> {
  const all = Number.MAX_SAFE_INTEGER;
  const logs = applications.map(
    async ({ applicationName, log }) => [applicationName, await log.select(0, all)] as const,
  );
  return new Map(await Promise.all(logs));
}

function sorted(events: readonly StoredNotification[]): readonly string[] {
  return events.toSorted((a, b) => a.originatorVersion - b.originatorVersion).map(({ type }) => type);
}
