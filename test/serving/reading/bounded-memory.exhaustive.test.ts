import { run, System } from 'kahn';
import { remote, serveLogs } from 'kahn/http';
import { expect, onTestFinished, test } from 'vitest';
import { TestedReader } from '../../application/log/contract/read-clicks.ts';
import { heldBytes } from '../../support/growth.ts';
import { storages } from '../../support/storages.ts';
import { Click, type ClickEvent, Clicks } from '../../support/systems/clicks.ts';
import { TestServer } from '../test-server.ts';

const count = 200_000;
/** Largest growth of the memory in use while a log is read, in bytes. All notifications of the log take four times as much. */
const mostBytes = 25_000_000;

class Presses extends Clicks {
  static readonly sectionSize = 100;
  static readonly readerClass = TestedReader;
}

type Way = 'directly' | 'by its sections' | 'over HTTP';

/** Records a log, and returns a reader of it. */
async function recorded(create: (typeof storages)[number]['create'], way: Way) {
  const system = System.of([[Presses]], { name: 'presses' });
  const runner = await run(system, { storage: create(), cacheSize: 0 });
  onTestFinished(() => runner.close());
  for (let saved = 0; saved < count; saved += 2_000)
    await runner.get(Presses).save(Array.from({ length: 2_000 }, (_, i) => Click.make('key', saved + i)));
  const reader = () => runner.get(Presses).reader() as TestedReader<ClickEvent>;
  if (way !== 'over HTTP') return reader().followed(way === 'directly');
  const server = await TestServer.listen();
  const maxRequestsPerSecond = 1_000_000;
  const served = { applications: [Presses], authorize: () => true, maxRequestsPerSecond };
  server.handler = serveLogs(runner, served);
  const Followed = remote(Presses, { system: 'presses', url: server.url });
  const following = await run(System.of([[Followed]], { name: 'readers' }));
  onTestFinished(() => following.close());
  return following.get(Followed).reader();
}

const ways = storages
  .filter(({ name }) => name !== 'memory')
  .flatMap(({ name, create }) =>
    (['directly', 'by its sections', 'over HTTP'] as const).map((way) => ({ name, create, way })),
  );

test.each(ways)(
  `a log of ${count} events on $name is read $way in bounded memory`,
  async ({ create, way }) => {
    const reader = await recorded(create, way);
    await reader.read(1);
    const before = heldBytes();
    let most = before;
    let last = 1;
    for await (const { id } of reader) {
      if (id !== last + 1) expect.fail(`${id} after ${last}`);
      last = id;
      if (id % (count / 10) === 0) most = Math.max(most, heldBytes());
    }
    expect(last).toBe(count);
    expect(most - before).toBeLessThan(mostBytes);
  },
);
