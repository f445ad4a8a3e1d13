import { beforeEach, test, vi } from 'vitest';
import { storages, temporaryDirectory } from '../../support/storages.ts';
import { patient } from '../../support/until.ts';
import { isRaised, raise, storeFlagsIn } from '../multi-threaded/file-flags.ts';
import { startHost, untilGone } from './start-host.ts';

const shared = storages.filter(({ name }) => name !== 'memory');

beforeEach(() => storeFlagsIn(temporaryDirectory()));

test('a killed parent leaves no process behind if a policy blocks its process', async () => {
  const [{ create }] = shared as [(typeof shared)[number]];
  const host = await startHost({ storage: create(), pipelineIds: [0], isHeld: true });
  raise('block');
  await host.send({ kind: 'place', customers: ['ada'], pipelineId: 0 });
  await vi.waitUntil(() => isRaised('blocked'), patient);
  host.process.kill('SIGKILL');
  await host.ended;
  await untilGone(host.pids);
});

test('a killed parent leaves no process behind if a policy never resolves', async () => {
  const [{ create }] = shared as [(typeof shared)[number]];
  const host = await startHost({ storage: create(), pipelineIds: [0], isHeld: true });
  raise('hold');
  await host.send({ kind: 'place', customers: ['ada'], pipelineId: 0 });
  await vi.waitUntil(() => isRaised('held'), patient);
  host.process.kill('SIGKILL');
  await untilGone(host.pids);
});
