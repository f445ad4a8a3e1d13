import type { ApplicationClass, StorageDescription, System, SystemRunner } from 'kahn';
import { RestateRunner, RestateService } from 'kahn/restate';
import { freshName } from './postgres-server.ts';
import type { RestateEngine } from './restate-engine.ts';

/** Name of the actors for each storage. */
const names = new WeakMap<StorageDescription, string>();

/**
 * Starts a runner on an engine, with a service in this process that is closed with it. The same storage leads to the same
 * actors, also after another start.
 */
export async function startOnRestate<Apps extends ApplicationClass>(
  engine: RestateEngine,
  system: System<Apps>,
  {
    batchSize,
    useDirectQueryIfAvailable,
    ...options
  }: {
    storage?: StorageDescription;
    batchSize?: number;
    useDirectQueryIfAvailable?: boolean;
    cacheSize?: number;
    drainTimeoutMs?: number;
    signal?: AbortSignal;
    pipelineIds?: readonly number[];
  } & object,
): Promise<SystemRunner<Apps>> {
  const storage = options.storage ?? system.storage;
  const systemActorName = (storage && names.get(storage)) ?? freshName('shop');
  if (storage !== undefined) names.set(storage, systemActorName);
  const { ingressUrl, adminUrl } = engine;
  const runnerOptions = { ...options, systemActorName, ingressUrl, adminUrl, shutdownOnClose: true };
  if (typeof storage?.module !== 'string') return await RestateRunner.start(system, runnerOptions);
  const service = await RestateService.start(system, {
    ...(options.storage !== undefined && { storage: options.storage }),
    systemActorName,
    port: 0,
    ...(batchSize !== undefined && { batchSize }),
    ...(useDirectQueryIfAvailable !== undefined && { useDirectQueryIfAvailable }),
    ...(options.cacheSize !== undefined && { cacheSize: options.cacheSize }),
    ...(options.signal !== undefined && { signal: options.signal }),
    ...(options.drainTimeoutMs !== undefined && { drainTimeoutMs: options.drainTimeoutMs }),
  });
  try {
    // By force, because the actors may know an earlier version of the system.
    await service.register({ adminUrl, serviceUrl: `http://127.0.0.1:${service.port}`, force: true });
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
