import { beforeEach, test, vi } from 'vitest';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { patient } from '../../support/until.ts';
import { isRaised, putSignsInto, raise } from '../multi-threaded/file-flags.ts';
import { startHost, untilGone } from './start-host.ts';

const shared = storages.filter(({ name }) => name !== 'memory');

beforeEach(() => putSignsInto(temporaryDirectory()));

test('a killed parent with a policy that blocks its process for ever leaves no process behind', async () => {
  const [{ create }] = shared as [(typeof shared)[number]];
  const host = await startHost({ storage: create(), pipelineIds: [0], isHeld: true });
  raise('block');
  await host.told({ kind: 'place', customers: ['ada'], pipelineId: 0 });
  await vi.waitUntil(() => isRaised('blocked'), patient);
  host.process.kill('SIGKILL');
  await host.ended;
  await untilGone(host.pids);
});

test('so does one with a policy that waits for ever', async () => {
  const [{ create }] = shared as [(typeof shared)[number]];
  const host = await startHost({ storage: create(), pipelineIds: [0], isHeld: true });
  raise('hold');
  await host.told({ kind: 'place', customers: ['ada'], pipelineId: 0 });
  await vi.waitUntil(() => isRaised('held'), patient);
  host.process.kill('SIGKILL');
  await untilGone(host.pids);
});
