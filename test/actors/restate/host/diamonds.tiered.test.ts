import { SingleThreadedRunner } from 'kahn';
import { RestateRunner } from 'kahn/restate';
import { afterAll, beforeAll, test } from 'vitest';
import { assertCausesFirst } from '../../../support/cause-order.ts';
import { freshName } from '../../../support/servers/postgres-server.ts';
import { RestateEngine } from '../../../support/servers/restate-engine.ts';
import { serve } from '../../../support/servers/restate-shop.ts';
import { storagesOfProcesses } from '../../../support/storages.ts';
import { diamonds, relays } from '../../../support/systems/relays.ts';
import { inTime } from '../../../support/until.ts';

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

const hops = Array.from({ length: 10 }, (_, i) => i % 5);

for (const { name: storageName, create } of storagesOfProcesses) {
  test.each(diamonds)(
    `causes come before effects on actors on ${storageName}, in the system $name`,
    async ({ system, before }) => {
      const storage = create();
      {
        await using runner = await SingleThreadedRunner.start(before, { storage });
        await runner.get(relays.a).move(...hops);
      }
      const bound = system.bind(storage);
      const systemActorName = freshName('relays');
      await serve(engine, bound, { systemActorName, batchSize: 3 });
      {
        const { ingressUrl, adminUrl } = engine;
        await using runner = await RestateRunner.start(bound, {
          ingressUrl,
          adminUrl,
          systemActorName,
          shutdownOnClose: true,
        });
        await runner.caughtUp({ signal: inTime() });
        await Promise.all(hops.map((count) => runner.get(relays.a).move(count)));
        await runner.caughtUp({ signal: inTime() });
      }
      await using runner = await SingleThreadedRunner.start(system, { storage });
      await assertCausesFirst(
        system,
        system.applications.map((kind) => runner.get(kind)),
      );
    },
  );
}
