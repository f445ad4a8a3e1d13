import { run, type StorageDescription, System } from 'kahn';
import {
  EngineError,
  RestateRunner,
  type RestateRunnerOptions,
  RestateService,
  type RestateServiceOptions,
} from 'kahn/restate';
import { onTestFinished } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { Payments } from '../../../examples/shop/payments.ts';
import { Reservation } from '../../../examples/shop/reservation.ts';
import { Reservations } from '../../../examples/shop/reservations.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { actorNames } from '../../../src/actors/restate/protocol/actor-names.ts';
import { rejectionOf } from '../errors.ts';
import { temporaryPostgres } from './postgres.ts';
import { freshName } from './postgres-server.ts';
import type { RestateEngine } from './restate-engine.ts';

export type Shop = System<typeof Orders | typeof Reservations | typeof Payments>;

/** The shop with reservations that wait. */
export interface HeldShop extends Disposable {
  readonly system: Shop;
  /** Resolves when a reservation waits. */
  readonly reached: Promise<void>;
  readonly release: () => void;
}

/** The shop; `meanwhile` is called before each reservation. */
export function shopWith(meanwhile: (customer: string) => Promise<void> | void): Shop {
  class OtherReservations extends Reservations {
    override readonly policy = this.when({
      'Order.Created': async (event, repository) => {
        await meanwhile(event.data.customer);
        return Reservation.for(event.originatorId, repository.deriveId());
      },
    });
  }
  return System.of([
    [Orders, OtherReservations, Orders],
    [Orders, Payments, Orders],
  ]) as Shop;
}

/** The shop with reservations that wait until `release` is called, or until it is disposed of. */
export function heldShop(): HeldShop {
  const reached = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const system = shopWith(async () => {
    reached.resolve();
    await released.promise;
  });
  const release = released.resolve;
  return { system, reached: reached.promise, release, [Symbol.dispose]: release };
}

/** Serves a system in this process until the end of the test, and registers it. */
export async function serve(
  engine: RestateEngine,
  system: System,
  options: RestateServiceOptions,
): Promise<RestateService> {
  const service = await RestateService.start(system, { port: 0, hostname: '127.0.0.1', ...options });
  onTestFinished(() => service.close());
  await service.register({ adminUrl: engine.adminUrl, serviceUrl: urlOf(service) });
  return service;
}

/** Starts a runner that is closed at the end of the test. */
export async function start(
  { ingressUrl, adminUrl }: { readonly ingressUrl: string; readonly adminUrl: string },
  system: Shop,
  options: RestateRunnerOptions & { readonly storage: StorageDescription },
): Promise<RestateRunner<Shop['applications'][number]>> {
  const { storage, ...others } = options;
  const runner = await RestateRunner.start(system.bind(storage), { ingressUrl, adminUrl, ...others });
  onTestFinished(() => runner.close());
  return runner;
}

/** Returns the error of a start with these URLs, and asserts that the system can be started afterwards. */
export async function startError(
  { ingressUrl, adminUrl }: { readonly ingressUrl: string; readonly adminUrl: string },
  systemActorName = freshName('shop'),
  pipelineIds = [0],
): Promise<EngineError> {
  const system = shop.bind(temporaryPostgres());
  const options = { ingressUrl, adminUrl, systemActorName, pipelineIds };
  const error = await rejectionOf(RestateRunner.start(system, options), EngineError);
  await (await run(system)).close();
  return error;
}

/** URL of a service in this process. */
export function urlOf({ port }: RestateService): string {
  return `http://127.0.0.1:${port}`;
}

/** Unfinished and scheduled calls of a system's actors. */
export async function callsOf(engine: RestateEngine, systemActorName: string) {
  return await engine.query(
    `select target_service_key as actor from sys_invocation where target_service_name in (${namesOf(systemActorName)}) ` +
      `and status <> 'completed'`,
  );
}

/** State of a system's actors. */
export async function statesOf(engine: RestateEngine, systemActorName: string) {
  return await engine.query(
    `select service_key as actor, * from state where service_name in (${namesOf(systemActorName)})`,
  );
}

/** Names of a system's actors as a SQL list. */
function namesOf(systemActorName: string): string {
  return Object.values(actorNames(systemActorName))
    .map((name) => `'${name}'`)
    .join(', ');
}
