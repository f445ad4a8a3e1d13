import type { ApplicationClass, Persistence, System, SystemRunner } from 'kahn';
import { RestateRunner, RestateService } from 'kahn/restate';
import { afterAll, beforeAll } from 'vitest';
import { runnerContract } from '../../runner/runner-contract.ts';
import { freshName } from '../../support/postgres-server.ts';
import { RestateEngine } from '../../support/restate-engine.ts';
import { storages } from '../../support/storages.ts';

let engine: RestateEngine;
beforeAll(async () => {
  engine = await RestateEngine.start();
});
afterAll(() => engine[Symbol.asyncDispose]());

/** By which name the actors of a system on a storage go. */
const names = new WeakMap<Persistence, string>();

/** A runner with a service of its own, closed together. */
async function started<Apps extends ApplicationClass>(
  system: System<Apps>,
  { batchSize, ...options }: { persistence?: Persistence; batchSize?: number; cacheSize?: number } & object,
): Promise<SystemRunner<Apps>> {
  const persistence = options.persistence ?? system.persistence;
  const systemActorName = (persistence && names.get(persistence)) ?? freshName('shop');
  if (persistence !== undefined) names.set(persistence, systemActorName);
  const { ingressUrl, adminUrl } = engine;
  const runnerOptions = { ...options, systemActorName, ingressUrl, adminUrl, shutdownOnClose: true };
  if (typeof persistence?.module !== 'string') return await RestateRunner.start(system, runnerOptions);
  const service = await RestateService.start(system, {
    ...(options.persistence !== undefined && { persistence: options.persistence }),
    systemActorName,
    port: 0,
    ...(batchSize !== undefined && { batchSize }),
    ...(options.cacheSize !== undefined && { cacheSize: options.cacheSize }),
  });
  try {
    await service.register({ adminUrl, serviceUrl: `http://127.0.0.1:${service.port}` });
    const runner = await RestateRunner.start(system, runnerOptions);
    const close = async () => {
      await runner.close();
      await service.close();
    };
    return new Proxy(runner, {
      get(target, property) {
        if (property === 'close' || property === Symbol.asyncDispose) return close;
        const value = Reflect.get(target, property);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  } catch (error) {
    await service.close();
    throw error;
  }
}

for (const { name, create } of storages.filter((storage) => storage.name !== 'memory')) {
  runnerContract({ name: `the Restate runner on ${name}`, start: started, createPersistence: create });
}
