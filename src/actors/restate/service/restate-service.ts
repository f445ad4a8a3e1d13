import { once } from 'node:events';
import { createServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { ApplicationClass } from '../../../application/application.ts';
import { type OpenedResources, openResources } from '../../../application/resources/open-resources.ts';
import { warnOfAbandoned } from '../../../runner/diagnostics.ts';
import { storageOf } from '../../../runner/running-system.ts';
import { assertShared } from '../../../storage/storage.ts';
import type { SystemGraph } from '../../../system/graph.ts';
import { assertSystem, type System } from '../../../system/system.ts';
import { inRootContext } from '../../../util/environment/root-context.ts';
import { messageOf } from '../../../util/errors.ts';
import { InvalidArgumentError, InvalidOptionError } from '../../../util/options.ts';
import { resolvesWithin } from '../../../util/timeout.ts';
import { type ActorSetup, actorSetup } from '../actors/actor-definition.ts';
import { loadSdk, type Sdk } from '../actors/load-sdk.ts';
import { pipelineActor } from '../actors/pipeline-actor.ts';
import { processCoordinator } from '../actors/process-coordinator.ts';
import { processWorker } from '../actors/process-worker.ts';
import { systemActor } from '../actors/system-actor.ts';
import { type RegisterOptions, register } from '../engine/registration.ts';
import { ApplicationHost } from '../host/application-host.ts';
import { actorNames } from '../protocol/actor-names.ts';
import { type RestateServiceOptions, resolveRestateServiceOptions } from './restate-service-options.ts';
import { publishMessage } from './sdk-log.ts';

/** The parts of a service that listens. */
interface Parts {
  readonly server: Http2Server;
  readonly sessions: ReadonlySet<ServerHttp2Session>;
  readonly host: ApplicationHost;
  readonly resources: OpenedResources;
  readonly drainTimeoutMs: number;
  readonly systemActorName: string;
  readonly graph: SystemGraph;
}

/**
 * Serves the actors of a system to a Restate engine; its policies run here. Any number of services, on any hosts, can
 * serve the same system on the same storage.
 *
 * @example
 * await using service = await RestateService.start(shop, { storage });
 * await service.register({ adminUrl: 'http://engine:9070', serviceUrl: 'http://shop-service:9080' });
 * await once(process, 'SIGTERM');
 */
export class RestateService implements AsyncDisposable {
  /** Port at which the service listens. */
  readonly port: number;
  readonly #parts: Parts;
  #closing: Promise<void> | undefined;

  private constructor(parts: Parts) {
    if (parts?.server === undefined) {
      throw new InvalidArgumentError(
        'Start a service with await RestateService.start(system), not with new.',
      );
    }
    this.#parts = parts;
    this.port = (parts.server.address() as AddressInfo).port;
  }

  /**
   * Opens the resources of the system, and listens for calls of an engine. Applications and their storage are opened at
   * the first call.
   *
   * @throws {@link InvalidStorageError} if other processes cannot open the storage.
   * @throws {@link InvalidOptionError} if an option is invalid, the port is in use, or the SDK is not installed.
   * @throws {@link ResourceError} if a resource cannot be opened.
   */
  static async start<Opened extends object>(
    system: System<ApplicationClass, Opened>,
    options: RestateServiceOptions<NoInfer<Opened>> = {},
  ): Promise<RestateService> {
    assertSystem(system, 'RestateService.start()');
    const given: RestateServiceOptions = options;
    const resolved = resolveRestateServiceOptions(given, system.name);
    const { systemActorName, drainTimeoutMs, port, hostname } = resolved;
    const storage = storageOf(system, options);
    await assertShared(storage);
    const sdk = await loadSdk();
    const { graph } = system;
    await using opened = new AsyncDisposableStack();
    const opening = { signal: resolved.signal, replaced: resolved.resources };
    const resources = opened.use(await inRootContext(openResources, system.resources, opening));
    const host = new ApplicationHost(system, { ...resolved, storage, resources: resources.values });
    const setup = actorSetup(sdk, actorNames(systemActorName), graph, host);
    const server = createServer(handlerOf(setup, options.identityKeys));
    const sessions = new Set<ServerHttp2Session>();
    server.on('session', (session) => {
      sessions.add(session);
      session.on('close', () => sessions.delete(session));
    });
    await inRootContext(listen, server, port, hostname);
    const parts = { server, sessions, host, resources, drainTimeoutMs, systemActorName, graph };
    const service = new RestateService(parts);
    opened.move();
    return service;
  }

  /**
   * Registers the service at a URL, behind which other services may serve the same system. Registering it again changes
   * nothing. With `force`, replaces any registration at this URL or under this name.
   *
   * @throws {@link ActorsMismatchError} if the engine knows another system of this name, and `force` is not true.
   * @throws {@link InvalidOptionError} if an option is invalid.
   * @throws {@link EngineError} if the engine cannot be reached, or cannot reach the service.
   */
  async register(options: RegisterOptions): Promise<void> {
    await register(this.#parts.systemActorName, this.#parts.graph, options);
  }

  /** Stops accepting calls, waits for running steps, and closes storage and resources. Further calls do nothing. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const { server, sessions, host, resources, drainTimeoutMs } = this.#parts;
    const start = performance.now();
    await using closing = new AsyncDisposableStack(); // the storage is closed even if the server fails
    closing.use(resources);
    closing.defer(async () => {
      const abandoned = await host.close(Math.max(0, drainTimeoutMs - (performance.now() - start)));
      warnOfAbandoned(abandoned, drainTimeoutMs);
    });
    const closed = once(server, 'close');
    server.close();
    for (const session of sessions) session.close();
    if (!(await resolvesWithin(closed, drainTimeoutMs))) {
      for (const session of sessions) session.destroy();
      await closed;
    }
  }
}

function handlerOf(
  setup: ActorSetup,
  identityKeys: readonly string[] = [],
): ReturnType<Sdk['createEndpointHandler']> {
  try {
    return setup.sdk.createEndpointHandler({
      services: [systemActor(setup), pipelineActor(setup), processCoordinator(setup), processWorker(setup)],
      identityKeys: [...identityKeys],
      logger: publishMessage,
    });
  } catch (cause) {
    if (identityKeys.length === 0) throw cause;
    throw new InvalidOptionError(`The SDK rejects option 'identityKeys': ${messageOf(cause)}.`, { cause });
  }
}

async function listen(server: Http2Server, port: number, hostname: string | undefined): Promise<void> {
  try {
    server.listen(port, hostname);
    await once(server, 'listening');
  } catch (cause) {
    throw new InvalidOptionError(
      `The service cannot listen at port ${port}: ${messageOf(cause)}. Pass another 'port' or 'hostname'.`,
      { cause },
    );
  }
}
