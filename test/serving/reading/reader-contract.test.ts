import { run, System } from 'kahn';
import { remote, serveLogs } from 'kahn/http';
import { onTestFinished } from 'vitest';
import { ReadClicks, readSystem } from '../../application/log/contract/read-clicks.ts';
import { readerContract } from '../../application/log/contract/reader-contract.ts';
import { storages } from '../../support/storages.ts';
import { TestServer } from '../test-server.ts';

for (const { name, create } of storages) {
  readerContract({
    name: `over HTTP of a log on ${name}`,
    open: async () => {
      const server = await TestServer.listen();
      const serving = await run(readSystem.bind(create()));
      onTestFinished(() => serving.close());
      server.handler = serveLogs(serving, { applications: [ReadClicks], authorize: () => true });
      const Followed = remote(ReadClicks, { system: 'presses', url: server.url });
      const following = await run(System.of([[Followed]], { name: 'readers' }));
      onTestFinished(() => following.close());
      const reader = () => following.get(Followed).reader();
      return { application: serving.get(ReadClicks), reader, close: () => following.close() };
    },
  });
}
