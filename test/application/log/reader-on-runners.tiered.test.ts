import { afterAll, beforeAll, onTestFinished } from 'vitest';
import { localRunners, restateKind } from '../../support/runners/every-runner.ts';
import { RestateEngine } from '../../support/servers/restate-engine.ts';
import { storages } from '../../support/storages.ts';
import { byTier } from '../../support/tier.ts';
import { ReadClicks, readSystem } from './contract/read-clicks.ts';
import { readerContract } from './contract/reader-contract.ts';

let engine: RestateEngine;
beforeAll(async () => {
  if (byTier(false, true)) engine = await RestateEngine.start();
});
afterAll(() => engine?.[Symbol.asyncDispose]());

const runners = byTier(localRunners.slice(0, 1), [...localRunners, restateKind(() => engine)]);
for (const { name, refuses, start } of runners) {
  for (const storage of storages.filter((one) => !refuses.includes(one.name))) {
    readerContract({
      name: `of the ${name} runner on ${storage.name}`,
      open: async () => {
        const runner = await start(readSystem.bind(storage.create()), {});
        onTestFinished(() => runner.close());
        const application = runner.get(ReadClicks);
        return { application, reader: () => application.reader(), close: () => runner.close() };
      },
    });
  }
}
