import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { run, verify } from 'kahn';
import { expect, test } from 'vitest';
import { randomNumbers } from '../../support/random-numbers.ts';
import { seed } from '../../support/seed.ts';
import { storages } from '../../support/storages.ts';
import { Audits, auditedDesk, Labels, Parcels } from '../../support/systems/parking/parcel-desk.ts';
import { until } from '../../support/until.ts';

const kills = 12;

test.each(storages.filter(({ name }) => name !== 'memory'))(
  'parks and retries each notification exactly once, whatever is killed, on $name',
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
    const sent = Array.from({ length: 7 }, () => [] as number[]);
    for (const { data, originatorId } of await all(runner.get(Parcels)))
      sent[Number(originatorId.slice('parcel '.length))]?.push(data.number);
    const names = sent.map((_, i) => `parcel ${i}`);
    expect(await runner.get(Labels).printed(...names)).toEqual(sent); // in the order of each parcel
  },
  120_000,
);

async function all(parcels: Parcels) {
  const events: { readonly data: { readonly number: number }; readonly originatorId: string }[] = [];
  for await (const { event } of parcels.reader()) events.push(event);
  return events;
}
