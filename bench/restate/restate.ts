import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { StorageDescription } from 'kahn';
import { RestateRunner } from 'kahn/restate';
import { shop } from '../../examples/shop/shop.ts';
import { registerService } from '../../src/actors/restate/engine/engine-client.ts';
import { RestateEngine } from '../../test/support/servers/restate-engine.ts';
import type { DistributedCandidate } from './candidate.ts';

const program = fileURLToPath(new URL('shop-service.ts', import.meta.url));

/** The shop on an engine with one node, with its service in a separate process. */
export const restate: DistributedCandidate = {
  name: 'Restate',
  async run(storage, pipelineIds, work) {
    await using engine = await RestateEngine.start();
    await using service = await startService(storage);
    await registerService(engine.adminUrl, `http://127.0.0.1:${service.port}`, false);
    const { ingressUrl, adminUrl } = engine;
    const options = { storage, pipelineIds, ingressUrl, adminUrl, shutdownOnClose: true };
    await using runner = await RestateRunner.start(shop, options);
    return await work(runner);
  },
};

async function startService(
  storage: StorageDescription,
): Promise<AsyncDisposable & { readonly port: number }> {
  const child: ChildProcess = fork(program, [JSON.stringify(storage)]);
  const exited = once(child, 'exit');
  const [port] = await Promise.race([
    once(child, 'message'),
    exited.then(() => Promise.reject(new Error('The service process exited early.'))),
  ]);
  return {
    port,
    async [Symbol.asyncDispose]() {
      child.disconnect();
      await exited;
    },
  };
}
