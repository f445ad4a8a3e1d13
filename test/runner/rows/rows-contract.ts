import type { System, SystemRunner } from 'kahn';
import { expect, test } from 'vitest';
import { Click, Clicks } from '../../support/systems/clicks.ts';
import type { SqliteTallies } from '../../support/systems/tallies/sqlite-tallies.ts';
import { testedTallies } from '../../support/systems/tallies/tested-tallies.ts';
import type { Apps, RunnerSubject } from '../contract/subject.ts';

const numbers = Array.from({ length: 40 }, (_, i) => i + 1);

/** Rows that a policy records with its events. */
export function policyRows({ name: runner, start, createStorage }: RunnerSubject): void {
  test('rows are recorded once for each event, or the start is refused in memory that threads share', async () => {
    const storage = createStorage();
    const tested = testedTallies.find(({ name }) => storage.module.includes(`/${name}/`));
    if (tested === undefined) throw new Error(`No application records rows in ${storage.module}.`);
    const { Tallies, system, table: tableOf } = tested;
    const starting = start(system as unknown as System<Apps>, { storage });
    if (tested.name === 'memory' && /thread/.test(runner) && !/single-thread/.test(runner)) {
      await expect(starting).rejects.toMatchObject({ code: 'INVALID_STORAGE' });
      return;
    }
    await using started = await starting;
    const running = started as unknown as SystemRunner<typeof Clicks | typeof SqliteTallies>;
    const table = tableOf();
    const clicks = running.get(Clicks);
    await Promise.all(numbers.map((number) => clicks.save(Click.make(table, number))));
    await running.caughtUp();
    const tallies = running.get(Tallies);
    const events = [];
    for await (const { event } of tallies.reader())
      events.push({ number: event.data.number, id: event.originatorId });
    events.sort((a, b) => a.number - b.number);
    expect(events.map(({ number }) => number)).toEqual(numbers);
    expect(await tallies.marks(table)).toEqual(events);
  });
}
