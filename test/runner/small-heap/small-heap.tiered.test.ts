import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryDatabase } from '../../support/servers/postgres.ts';
import { temporaryDirectory } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';

const program = fileURLToPath(new URL('./program.ts', import.meta.url));
/** Largest heap in MB, and the number of events of 2 MB. */
const { heap, count } = byTier({ heap: 120, count: 90 }, { heap: 400, count: 300 });

const places: Readonly<Record<string, () => string | Promise<string>>> = {
  memory: () => '',
  sqlite: () => temporaryDirectory(),
  postgres: () => temporaryDatabase(),
};
const all = ['single', 'threads', 'processes'].flatMap((runner) =>
  Object.keys(places).map((storage) => ({ runner, storage })),
);
const cases = all.filter(({ runner, storage }) =>
  byTier(runner === 'single' && storage !== 'postgres', runner !== 'processes' || storage !== 'memory'),
);

test.for(cases)(
  `${count} events of 2 MB pass through a heap of ${heap} MB, $runner, $storage`,
  async (one) => {
    const place = await places[one.storage]!();
    const options = { execArgv: ['--conditions=kahn-source', `--max-old-space-size=${heap}`] };
    const child = fork(program, [one.runner, one.storage, place, `${count}`, '2000000'], options);
    let heads: unknown;
    child.on('message', (message) => {
      heads = message;
    });
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(heads).toEqual([2 * count, count, 2 * count]);
  },
);
