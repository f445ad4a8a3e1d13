import { type PostgresOptions, postgres } from 'kahn/postgres';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ProcessEvent, Recorder } from '../../../../src/storage/recorder.ts';
import { openStorage } from '../../../../src/storage/storage.ts';
import { query, temporaryDatabase } from '../../../support/servers/postgres.ts';
import { PostgresServer } from '../../../support/servers/postgres-server.ts';
import { byTier } from '../../../support/tier.ts';
import { until } from '../../../support/until.ts';
import { inSession } from '../faults/fault.ts';

type CommandRecorder = Recorder & Required<Pick<Recorder, 'command'>>;

/** Opens a recorder with connections of its own, as on another host. */
async function openHost(connectionString: string, options: PostgresOptions = {}): Promise<CommandRecorder> {
  const storage = await openStorage(postgres({ connectionString, schema: 'shop', ...options }));
  onTestFinished(() => storage.close());
  return (await storage.openRecorder({ applicationName: 'orders', setupTables: true })) as CommandRecorder;
}

/** Returns a process event with a key and the first event of an aggregate. The outcome names its host. */
function commandOf(key: string, host: number, originatorId = `${key} by ${host}`): ProcessEvent {
  const command = { key, timestamp: 5, fingerprint: key, outcome: `${host}` };
  const event = { originatorId, originatorVersion: 1, type: 'Made', data: '{}', timestamp: 5 };
  return { events: [event], snapshots: [], command };
}

/** Records one call on each host at the same time. Returns the host that recorded its call, and the codes of the others. */
async function race(
  hosts: readonly CommandRecorder[],
  callOf: (host: number) => { pipelineId?: number; call: readonly ProcessEvent[] },
): Promise<{ winners: number[]; codes: string[] }> {
  const [winners, codes]: [number[], string[]] = [[], []];
  const racing = hosts.map(async (recorder, host) => {
    const { pipelineId = 0, call } = callOf(host);
    try {
      await recorder.record(pipelineId, call);
      winners.push(host);
    } catch (error) {
      codes.push((error as { code: string }).code);
    }
  });
  await Promise.all(racing);
  return { winners, codes };
}

async function expectRecordedOnce(
  hosts: readonly CommandRecorder[],
  key: string,
  winners: readonly number[],
) {
  expect(winners, key).toHaveLength(1);
  for (const host of hosts) expect((await host.command(key))?.outcome).toBe(`${winners[0]}`);
}

const rounds = byTier(70, 1_000);

describe('hosts that record commands with the same key at the same time', () => {
  it.each([
    ['in one log', () => 0, undefined],
    ['in two logs', (host: number) => host, undefined],
    ['for one aggregate', () => 0, 'the same'],
  ])('%s: one of them is recorded', async (_, pipelineOf, aggregate) => {
    const url = await temporaryDatabase();
    const hosts = [await openHost(url), await openHost(url)];
    for (let round = 0; round < rounds; round += 1) {
      const key = `round ${round}`;
      const { winners, codes } = await race(hosts, (host) => {
        return {
          pipelineId: pipelineOf(host),
          call: [commandOf(key, host, aggregate && `${aggregate} ${round}`)],
        };
      });
      expect(codes).toEqual(['KEY_CONFLICT']);
      if (round % 20 === 0) await expectRecordedOnce(hosts, key, winners);
    }
    const counted =
      'select (select count(*) from shop.orders_commands)::integer as commands, count(*)::integer as events';
    const [counts] = await query(`${counted} from shop.orders_events`, [], url);
    expect(counts).toEqual({ commands: rounds, events: rounds });
  });

  it('wait for each other in one order, whatever the order of their keys', async () => {
    const url = await temporaryDatabase();
    await query(`alter database ${new URL(url).pathname.slice(1)} set deadlock_timeout = '1h'`);
    const options = { statementTimeoutMs: 20_000, retryTimeoutMs: 0 };
    const hosts = [await openHost(url, options), await openHost(url, options)];
    await inSession(url, async (rival) => {
      await rival.query('begin');
      await rival.query("insert into shop.orders_commands values (0, 0, 'm', '', '')");
      const racing = race(hosts, (host) => {
        const keys = host === 0 ? ['a', 'm', 'z'] : ['z', 'm', 'a'];
        return { pipelineId: host, call: keys.map((key) => commandOf(key, host)) };
      });
      const waiting =
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
      await until('both wait', async () => (await query(waiting, [], url)).length === 2);
      await rival.query('rollback');
      const { winners, codes } = await racing;
      expect(codes).toEqual(['KEY_CONFLICT']);
      for (const key of ['a', 'm', 'z']) await expectRecordedOnce(hosts, key, winners);
    });
  });
});

describe('a server that is killed while commands are recorded', () => {
  const kills = byTier(1, 10);

  it(`records each key once, ${kills} kill(s)`, async () => {
    await using server = await PostgresServer.start();
    const open = () => openHost(server.url(), { retryTimeoutMs: 120_000 });
    const hosts = [await open(), await open()];
    let [next, isOver] = [0, false];
    const work = async () => {
      while (!isOver) {
        const key = `k${next++}`;
        const { winners, codes } = await race(hosts, (host) => ({ call: [commandOf(key, host)] }));
        expect(codes).toEqual(['KEY_CONFLICT']);
        await expectRecordedOnce(hosts, key, winners);
      }
    };
    const working = Promise.all(Array.from({ length: 6 }, work));
    for (let kill = 0; kill < kills; kill += 1) {
      const start = next;
      await Promise.race([working, until('keys are recorded', () => next > start + 20)]);
      await server.stopImmediately();
      await server.startAgain();
    }
    isOver = true;
    await working;
    const [counts] = await query(
      `select count(*)::integer, count(distinct originator_id)::integer as commands, max(notification_id)::integer as head
      from shop.orders_events`,
      [],
      server.url(),
    );
    expect(counts).toEqual({ count: next, commands: next, head: next });
  });
});
