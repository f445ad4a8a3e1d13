import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { runnerOptions } from '../../../runner/runner-options.ts';
import { storageOf } from '../../../runner/running-system.ts';
import type { SystemGraph } from '../../../system/graph.ts';
import type { System } from '../../../system/system.ts';
import { messageOf } from '../../../util/errors.ts';
import { InvalidOptionError } from '../../../util/options.ts';
import { resolvesWithin } from '../../../util/timeout.ts';
import { type ActorSetup, actorSetup } from '../actors/actor-definition.ts';
import { loadSdk, type Sdk } from '../actors/load-sdk.ts';
import { pipelineActor } from '../actors/pipeline-actor.ts';
import { processCoordinator } from '../actors/process-coordinator.ts';
import { processWorker } from '../actors/process-worker.ts';
import { systemActor } from '../actors/system-actor.ts';
import { type RegisterOptions, register } from '../engine/registration.ts';
import { ApplicationHost } from '../host/application-host.ts';
import { assertShared } from '../host/shared-storage.ts';
import { actorNames } from '../protocol/actor-names.ts';
import { assertServiceOptions, type RestateServiceOptions } from './restate-service-options.ts';
import { publishMessage } from './sdk-log.ts';

/** Which system a service serves, by which name. */
interface Served {
  readonly name: string;
  readonly graph: SystemGraph;
}

const defaultPort = 9_080;

/**
 * The actors of a system, served to a Restate engine: this is where its policies run. Any number of services, on any
 * hosts, may serve the same system on the same storage.
 *
 * @example
 * await using service = await RestateService.start(shop, { storage });
 * await service.register({ adminUrl: 'http://engine:9070', serviceUrl: 'http://shop-service:9080' });
 * await once(process, 'SIGTERM');
 */
export class RestateService implements AsyncDisposable {
  /** Where it listens. */
  readonly port: number;
  readonly #server: Http2Server;
  readonly #sessions: ReadonlySet<ServerHttp2Session>;
  readonly #host: ApplicationHost;
  readonly #drainTimeoutMs: number;
  readonly #served: Served;
  #closing: Promise<void> | undefined;

  private constructor(
    server: Http2Server,
    sessions: ReadonlySet<ServerHttp2Session>,
    host: ApplicationHost,
    drainTimeoutMs: number,
    served: Served,
  ) {
    this.#served = served;
    this.#server = server;
    this.#sessions = sessions;
    this.#host = host;
    this.#drainTimeoutMs = drainTimeoutMs;
    this.port = (server.address() as AddressInfo).port;
  }

  /**
   * Listens for an engine. Storage is opened when there is something to do.
   *
   * @throws InvalidStorageError if other processes cannot open the storage.
   * @throws InvalidOptionError if an option is wrong, or the SDK of the engine is not installed.
   */
  static async start(system: System, options: RestateServiceOptions = {}): Promise<RestateService> {
    assertServiceOptions(options, system.name);
    const {
      batchSize,
      cacheSize,
      systemActorName = system.name,
      drainTimeoutMs = runnerOptions.drainTimeoutMs.default,
    } = options;
    const storage = storageOf(system, options);
    assertShared(storage);
    const sdk = await loadSdk();
    const host = new ApplicationHost(system, { storage, batchSize, cacheSize });
    const cast = actorSetup(sdk, actorNames(systemActorName), system.graph, host);
    const server = createServer(handlerOf(cast, options.identityKeys));
    const sessions = new Set<ServerHttp2Session>();
    server.on('session', (session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session));
    });
    await listen(server, options.port ?? defaultPort, options.hostname);
    return new RestateService(server, sessions, host, drainTimeoutMs, {
      name: systemActorName,
      graph: system.graph,
    });
  }

  /**
   * Tells an engine at which URL it finds this service, and others that serve the same behind that URL; doing so again
   * changes nothing. With `force`, what is served there, or by this name, may be something else than before.
   *
   * @throws ActorsMismatchError if the engine knows another system of this name, and `force` is not true.
   * @throws InvalidOptionError if an option is wrong.
   * @throws EngineError if the engine cannot be reached, or does not reach the service.
   */
  async register(registration: RegisterOptions): Promise<void> {
    await register(this.#served.name, this.#served.graph, registration);
  }

  /** Takes no more calls, lets those under way end, and releases everything. Calling it again does nothing. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const start = performance.now();
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const session of this.#sessions) session.close();
    if (!(await resolvesWithin(closed, this.#drainTimeoutMs))) {
      for (const session of this.#sessions) session.destroy();
      await closed;
    }
    await this.#host.close(Math.max(0, this.#drainTimeoutMs - (performance.now() - start)));
  }
}

function handlerOf(
  cast: ActorSetup,
  identityKeys: readonly string[] = [],
): ReturnType<Sdk['createEndpointHandler']> {
  try {
    return cast.sdk.createEndpointHandler({
      services: [systemActor(cast), pipelineActor(cast), processCoordinator(cast), processWorker(cast)],
      identityKeys: [...identityKeys],
      logger: publishMessage,
    });
  } catch (cause) {
    if (identityKeys.length === 0) throw cause;
    throw new InvalidOptionError(`identityKeys cannot be used: ${messageOf(cause)}.`, { cause });
  }
}

async function listen(server: Http2Server, port: number, hostname: string | undefined): Promise<void> {
  try {
    server.listen(port, hostname);
    await once(server, 'listening');
  } catch (cause) {
    throw new InvalidOptionError(
      `The service cannot listen at port ${port}: ${messageOf(cause)}. Give it another port or hostname.`,
      { cause },
    );
  }
}
