import { expect, test } from 'vitest';
import { heldBytes } from '../../support/growth.ts';
import { temporarySqlite } from '../../support/storages.ts';
import { Click, Clicks } from '../../support/systems/clicks.ts';

const million = 1_000_000;
/** Largest growth of the memory in use while a log is read, in bytes. The log itself has some 200 MB. */
const mostBytes = 30_000_000;

test('a log of a million events is read in bounded memory', async () => {
  await using clicks = await Clicks.open({ storage: temporarySqlite(), cacheSize: 0 });
  for (let saved = 0; saved < million; saved += 5_000)
    await clicks.save(Array.from({ length: 5_000 }, (_, i) => Click.make('key', saved + i)));
  const before = heldBytes();
  let last = 0;
  let most = 0;
  for await (const { id, event } of clicks.reader()) {
    last = id;
    if (event.data && id % 100_000 === 0) most = Math.max(most, heldBytes());
  }
  for await (const { items, nextId } of clicks
    .reader()
    .seek(million - 100_000)
    .sections()) {
    if (nextId === undefined) expect(items.at(-1)?.id).toBe(million);
  }
  for await (const { id } of clicks
    .reader()
    .seek(million - 100_000)
    .follow()) {
    if (id % 50_000 === 0) most = Math.max(most, heldBytes());
    if (id === million) break;
  }
  expect(last).toBe(million);
  expect(await clicks.reader().sectionCount()).toBe(million / 20);
  expect(most - before).toBeLessThan(mostBytes);
});
