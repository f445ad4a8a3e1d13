import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { memory, run, type SystemRunner, verify } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect, test } from 'vitest';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import { Audits, auditedDesk, Labels, Parcels } from '../../support/systems/parking/parcel-desk.ts';
import { until } from '../../support/until.ts';

const kills = 12;

test.each(storages.filter(({ name }) => name !== 'memory'))(
  'parks and retries each notification exactly once, whatever is killed, and ends as a run that never failed, on $name',
  async ({ create }) => {
    const storage = create();
    const random = randomNumbers(seed);
    const program = new URL('./desk-program.ts', import.meta.url);
    for (let kill = 0; kill < kills; kill += 1) {
      const args = [JSON.stringify(storage), String(kill * 100_000)];
      const child = fork(program, args, { execArgv: ['--conditions=kahn-source'] });
      const ended = once(child, 'exit');
      await once(child, 'message');
      await delay(random() * 400);
      child.kill('SIGKILL');
      await ended;
    }
    Labels.meanwhile = () => {};
    Audits.meanwhile = () => {};
    await using runner = await run(auditedDesk, { storage });
    for (const one of [Labels, Audits]) await runner.retry(one, {}, { by: 'ada', reason: 'mended' });
    await until('nothing is parked', async () => {
      for (const one of [Labels, Audits]) if ((await runner.parked(one).next()).done !== true) return false;
      return true;
    });
    await runner.caughtUp();
    const head = await runner.get(Parcels).log.head();
    expect(head).toBeGreaterThan(kills);
    expect(await runner.get(Labels).log.head()).toBe(head); // a label for each parcel
    expect(await runner.get(Audits).log.head()).toBe(2 * head); // and an audit of both
    expect((await verify(runner.storage, auditedDesk)).faults).toEqual([]);
    const healthy = await healthyRun(await sentIn(runner));
    expect(await historiesOf(runner)).toEqual(healthy); // so each parcel in its order
  },
);

type Runner = SystemRunner<typeof Parcels | typeof Labels | typeof Audits>;

interface Sent {
  readonly id: string;
  readonly number: number;
}

async function sentIn(runner: Runner): Promise<readonly Sent[]> {
  const sent: Sent[] = [];
  for await (const { event } of runner.get(Parcels).reader())
    sent.push({ id: event.originatorId, number: event.data.number });
  return sent;
}

/** Returns the histories after the same parcels, of a run that never failed. */
async function healthyRun(sent: readonly Sent[]): Promise<readonly string[]> {
  await using runner = await run(auditedDesk.bind(memory()));
  for (const { id, number } of sent) await runner.get(Parcels).send(id, number);
  return await historiesOf(runner);
}

async function historiesOf(runner: Runner): Promise<readonly string[]> {
  return await canonicalHistories(
    [Parcels, Labels, Audits].map((one) => runner.get(one)),
    { causes: true },
  );
}
