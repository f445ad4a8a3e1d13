import { postgres } from 'kahn/postgres';
import type { Cause } from 'kahn/storage';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Shape } from '../../../src/storage/postgres/appending/append-statements.ts';
import { Batch } from '../../../src/storage/postgres/appending/batch.ts';
import type { ProcessEvent, Recorder } from '../../../src/storage/recorder.ts';
import { type OpenedStorage, openStorage } from '../../../src/storage/storage.ts';
import type { StoredEvent } from '../../../src/storage/stored-event.ts';
import { connectionString, query, temporarySchema } from '../../support/servers/postgres.ts';

async function open(schema: string, url = connectionString): Promise<OpenedStorage> {
  const storage = await openStorage(postgres({ connectionString: url, schema }));
  onTestFinished(() => storage.close());
  return storage;
}

async function openOrders(schema: string, url = connectionString): Promise<Recorder> {
  return (await open(schema, url)).openRecorder({ applicationName: 'orders', setupTables: true });
}

const [uuid, otherUuid] = ['0f8b8d5e-7c31-4a55-9d4e-1f2a3b4c5d6e', 'ff8b8d5e-7c31-4a55-9d4e-1f2a3b4c5d6e'];
const pipelineId = 3;
const causeIn = (applicationName: string, notificationId: number, inPipeline = pipelineId): Cause => {
  return { applicationName, pipelineId: inPipeline, notificationId };
};

/** Returns one event for each set of optional fields. */
function eventsWith(...optional: readonly Partial<StoredEvent>[]): StoredEvent[] {
  return optional.map((fields, index) => {
    return {
      originatorId: `${index}`,
      originatorVersion: 1,
      type: 'Made',
      data: '{}',
      timestamp: 5,
      ...fields,
    };
  });
}

const next = { upstreamName: 'baskets', expected: 1, position: 2 };
const command = (...optional: readonly Partial<StoredEvent>[]): ProcessEvent[] => [
  { events: eventsWith(...optional), snapshots: [] },
];
const handled = (...optional: readonly Partial<StoredEvent>[]): ProcessEvent[] => [
  { events: eventsWith(...optional), snapshots: [], tracking: next },
];
const basket = { cause: causeIn('baskets', 2) };

const batches: readonly [shape: Shape, content: string, batch: readonly ProcessEvent[]][] = [
  ['events', 'one command', command({ correlationId: uuid })],
  ['events', 'commands with one correlation id', command({ correlationId: uuid }, { correlationId: uuid })],
  [
    'events',
    'commands with correlation ids of all kinds',
    command({ correlationId: uuid }, {}, { correlationId: otherUuid }, { correlationId: 'a "b" \\ {ö}' }),
  ],
  ['events', 'commands with one text as metadata', command({ metadata: '{"a":1}' }, { metadata: '{"a":1}' })],
  [
    'events',
    'commands with and without metadata',
    command({ metadata: '{"user":"a\\"da"}' }, {}, { metadata: '{"user":"ö"}' }, {}),
  ],
  ['single', 'an event of a policy', handled({ ...basket, correlationId: uuid, metadata: '{}' })],
  ['single', 'an event of a policy without cause', handled({})],
  [
    'next',
    'events of a policy',
    handled({ ...basket, correlationId: uuid }, { cause: causeIn('baskets', 4), correlationId: otherUuid }),
  ],
  ['next', 'events of a policy without causes', handled({ metadata: '{}' }, {})],
  ['next', 'only a position', handled()],
  ['any', 'an event with a cause in another pipeline', handled({ cause: causeIn('baskets', 2, 7) })],
  ['any', 'causes in two logs', handled(basket, { cause: causeIn('baskets', 3, 7) })],
  ['any', 'causes in the logs of two applications', handled(basket, { cause: causeIn('baskets 2', 3) })],
  ['any', 'events with and without cause', handled({}, { ...basket, correlationId: uuid })],
  ['any', 'an event with cause and without position', command({ ...basket, metadata: '{"a":1}' })],
  ['any', 'data with the separator', command({ data: 'a\x1fb' }, { metadata: '{}' })],
  ['any', 'metadata with the separator', command({ metadata: 'a\x1fb' }, { metadata: 'b' })],
  ['any', 'empty data', command({ data: '' })],
  ['any', 'empty metadata', command({ metadata: '' }, {})],
  [
    'keyed',
    'a command with a key',
    command({ correlationId: uuid, metadata: '{}' }, { data: 'a\x1fb' }).map((one) => ({
      ...one,
      command: { key: 'k', timestamp: 5, fingerprint: 'f', outcome: 'a\x1fb' },
    })),
  ],
  ['any', 'a dependency', handled({ ...basket, dependencies: [{ pipelineId: 0, notificationId: 1 }] })],
];

describe('a batch', () => {
  it.each(batches)(
    'is recorded by the statement for %s if it contains %s',
    async (shape, _content, batch) => {
      expect(new Batch(pipelineId, batch).shape).toBe(shape);
      const recorder = await openOrders(temporarySchema());
      await recorder.record(pipelineId, [
        {
          events: eventsWith({ originatorId: 'first' }),
          snapshots: [],
          tracking: { ...next, expected: 0, position: 1 },
        },
      ]);
      const { events, tracking } = batch[0] as ProcessEvent;
      expect(await recorder.record(pipelineId, batch)).toBe(1 + events.length);
      const recorded = events.map((event, index) => ({ id: 2 + index, ...event }));
      expect(await recorder.notifications(pipelineId, 1, 10)).toStrictEqual(recorded);
      expect(await recorder.causes(pipelineId, 1, 10)).toStrictEqual(events.map(({ cause }) => cause));
      expect(await recorder.positions()).toStrictEqual([
        { pipelineId, upstreamName: 'baskets', position: tracking?.position ?? 1, typesVersion: 0 },
      ]);
      expect(await recorder.logs()).toStrictEqual([{ pipelineId, notificationId: 1 + events.length }]);
    },
  );
});

describe('a damaged column', () => {
  it.each([
    ["dependencies = '[[0'", /`dependencies` is '\[\[0'/],
    ['dependencies = \'[[0,"x"]]\'', /`dependencies` is/],
    ['cause_name = null', /`cause_name` is null/],
    ['cause_id = null', /`cause_id` is null/],
    ['cause_id = 0', /`cause_id` is 0/],
    ['cause_pipeline_id = -1', /`cause_pipeline_id` is -1/],
    ["correlation_id = '\\x0102'", /`correlation_id` is '0x0102'/],
    ["correlation_id = ''", /`correlation_id` is '0x'/],
    ["correlation_id = '\\xffc0'", /`correlation_id` is '0xffc0'/],
  ])('makes reading fail and name the notification: %s', async (damage, found) => {
    const schema = temporarySchema();
    const recorder = await openOrders(schema);
    await recorder.record(
      pipelineId,
      handled().map((one) => ({ ...one, tracking: { ...next, expected: 0 } })),
    );
    await recorder.record(
      pipelineId,
      command({ ...basket, correlationId: uuid }, { ...basket, correlationId: uuid }),
    );
    await query(`update ${schema}.orders_events set ${damage} where notification_id = 2`);
    const corrupt = {
      code: 'STORAGE_CORRUPT',
      applicationName: 'orders',
      message: expect.stringMatching(/^Application 'orders' .*: notification 2 of pipeline 3 is damaged: /),
    };
    await expect(recorder.notifications(pipelineId, 0, 10)).rejects.toMatchObject(corrupt);
    await expect(recorder.notifications(pipelineId, 0, 10)).rejects.toThrow(found);
    if (/cause/.test(damage)) await expect(recorder.causes(pipelineId, 0, 10)).rejects.toMatchObject(corrupt);
    expect(await recorder.notifications(pipelineId, 0, 1)).toHaveLength(1);
  });
});

it('correlation ids do not depend on the output format of bytea', async () => {
  const url = new URL(connectionString);
  url.searchParams.set('options', '-c bytea_output=escape');
  const recorder = await openOrders(temporarySchema(), url.href);
  const events = eventsWith({ correlationId: uuid }, { correlationId: 'a text' });
  await recorder.record(0, [{ events, snapshots: [] }]);
  expect(await recorder.notifications(0, 0, 10)).toMatchObject([
    { correlationId: uuid },
    { correlationId: 'a text' },
  ]);
});

describe('the names of applications', () => {
  it('are empty before anything is set up', async () => {
    const schema = temporarySchema();
    const storage = await open(schema);
    expect(await storage.applicationNames()).toEqual([]);
    await query(`create schema ${schema}`);
    expect(await storage.applicationNames()).toEqual([]);
  });

  it('are those that opened the schema, in the order of their bytes', async () => {
    const schema = temporarySchema();
    const storage = await open(schema);
    for (const applicationName of ['ö', '\u{1f600}', '\uff5e', 'a', 'B', 'a'.repeat(70)])
      await storage.openRecorder({ applicationName, setupTables: true });
    expect(await storage.applicationNames()).toEqual(['B', 'a', 'a'.repeat(70), 'ö', '\uff5e', '\u{1f600}']);
  });

  it('cannot be read without a server, which the error says', async () => {
    const storage = await open('shop', 'postgres://127.0.0.1:1/app?connect_timeout=1');
    const reading = storage.applicationNames();
    await storage.close();
    await expect(reading).rejects.toMatchObject({
      code: expect.stringMatching(/^STORAGE_(UNREACHABLE|CLOSED)$/),
      message: expect.stringMatching(/^kahn cannot use schema 'shop' of database 'app' at 127\.0\.0\.1:1: /),
    });
  });
});
