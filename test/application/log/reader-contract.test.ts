import { onTestFinished } from 'vitest';
import { storages } from '../../support/storages.ts';
import { ReadClicks } from './contract/read-clicks.ts';
import { readerContract } from './contract/reader-contract.ts';

for (const { name, create } of storages) {
  readerContract({
    name: `on ${name}`,
    open: async () => {
      const application = await ReadClicks.open({ storage: create() });
      onTestFinished(() => application.close());
      return { application, reader: () => application.reader(), close: () => application.close() };
    },
  });
}
