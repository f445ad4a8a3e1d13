import { type ApplicationStatus, type System, type SystemRunner, verify } from 'kahn';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../../../support/storages.ts';
import { Click, Clicks } from '../../../support/systems/clicks.ts';
import type { SqliteTallies } from '../../../support/systems/tallies/sqlite-tallies.ts';
import { testedTallies } from '../../../support/systems/tallies/tested-tallies.ts';
import { inTime, until } from '../../../support/until.ts';
import { lower, raise, storeFlagsIn } from '../../multi-threaded/file-flags.ts';
import type { Apps, RunnerSubject } from '../subject.ts';
import { type LateRule, late, lateRules, lateSystems } from './late-tallies.ts';

type TallyRunner = SystemRunner<typeof Clicks | typeof SqliteTallies>;

const because = { by: 'ada', reason: 'it is fast now' };

/** What a rule makes of the second of three clicks: the rows meanwhile, and what is seen of it. */
const expected: Record<LateRule, { rows: readonly number[]; status: object }> = {
  stop: { rows: [1], status: { state: 'failed', lastError: { cause: { code: 'HANDLER_TIMEOUT' } } } },
  park: { rows: [1, 3], status: { state: 'idle', upstreams: [{ parked: 1 }] } },
  retry: { rows: [1], status: { state: 'interrupted', lastError: { code: 'POLICY_RETRY' } } },
};

/** Handlers with rows that exceed the time limit of their class. */
export function timeouts({ start, createStorage, name }: RunnerSubject): void {
  if (name.includes('multi-threaded') && name.includes('memory')) return; // rows are refused there

  test.each(lateRules)(
    'nothing stays of a handler with rows that exceeds its time, and the rule applies: %s',
    async (rule) => {
      storeFlagsIn(temporaryDirectory());
      const storage = createStorage();
      const { table: tableOf } = testedTallies.find((one) => storage.module.includes(`/${one.name}/`))!;
      const system = lateSystems[storage.module.includes('/postgres/') ? 'postgres' : 'sqlite'][
        rule
      ] as System;
      const table = tableOf();
      const started = await start(system as System<Apps>, { storage, drainTimeoutMs: 2_000 });
      await using runner = started as unknown as TallyRunner;
      const Tallies = system.applications[1] as unknown as typeof SqliteTallies;
      const tallies = runner.get(Tallies);
      const rows = async () => (await tallies.marks(table)).map(({ number }) => number);
      const events = async () => {
        const numbers: number[] = [];
        for await (const { event } of tallies.reader()) numbers.push(event.data.number);
        return numbers;
      };
      raise(late);
      const saves = [1, 2, 3].map((number) => runner.get(Clicks).save(Click.make(table, number)));
      const saved = Promise.allSettled(saves); // on a single thread, they wait for the policy
      const { rows: before, status } = expected[rule];
      await until(`the rule applies: ${rule}`, async () => matches((await runner.status())[1], status));
      await until('all before is done', async () => (await rows()).length === before.length);
      expect([await rows(), await events()]).toEqual([before, before]);
      lower(late);
      if (rule === 'stop') expect(await runner.resume(Tallies, because)).toBe(true);
      if (rule === 'park') expect(await runner.retry(Tallies, {}, because)).toBe(1);
      await runner.caughtUp({ signal: inTime() });
      await saved;
      expect(await rows()).toEqual([1, 2, 3]);
      expect((await events()).toSorted()).toEqual([1, 2, 3]);
      expect((await verify(storage, system)).faults).toEqual([]);
    },
  );
}

function matches(status: ApplicationStatus | undefined, wanted: object): boolean {
  try {
    expect(status).toMatchObject(wanted);
    return true;
  } catch {
    return false;
  }
}
