import { type Persistence, System } from 'kahn';
import { type RestateOptions, RestateRunner, RestateService, type RestateServiceOptions } from 'kahn/restate';
import { onTestFinished } from 'vitest';
import { Orders } from '../../examples/shop/orders.ts';
import { Payments } from '../../examples/shop/payments.ts';
import { Reservation } from '../../examples/shop/reservation.ts';
import { Reservations } from '../../examples/shop/reservations.ts';
import { actorNames } from '../../src/actors/restate/names.ts';
import type { RestateEngine } from './restate-engine.ts';

export type Shop = System<typeof Orders | typeof Reservations | typeof Payments>;

export interface HeldShop extends Disposable {
  readonly system: Shop;
  /** Resolves when a reservation waits. */
  readonly reached: Promise<void>;
  readonly release: () => void;
}

/** The shop; `meanwhile` is called whenever an order is about to be reserved. */
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

/** The shop, whose reservations wait until they are released; at the latest when this is disposed of. */
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

/** Serves a system in this process until the test has finished, and registers it. */
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

/** Starts a runner that is closed when the test has finished. */
export async function start(
  { ingressUrl, adminUrl }: { readonly ingressUrl: string; readonly adminUrl: string },
  system: Shop,
  options: RestateOptions & { readonly persistence: Persistence },
): Promise<RestateRunner<Shop['applications'][number]>> {
  const { persistence, ...others } = options;
  const runner = await RestateRunner.start(system.bind(persistence), { ingressUrl, adminUrl, ...others });
  onTestFinished(() => runner.close());
  return runner;
}

/** Where a service of this process is found. */
export function urlOf({ port }: RestateService): string {
  return `http://127.0.0.1:${port}`;
}

/** Calls of a system's actors that are under way or to come. */
export async function callsOf(engine: RestateEngine, systemActorName: string) {
  return await engine.query(
    `select target_service_key as actor from sys_invocation where target_service_name in (${namesOf(systemActorName)}) ` +
      `and status <> 'completed'`,
  );
}

/** What the actors of a system remember. */
export async function statesOf(engine: RestateEngine, systemActorName: string) {
  return await engine.query(
    `select service_key as actor, * from state where service_name in (${namesOf(systemActorName)})`,
  );
}

/** How the services of a system are called, as SQL. */
function namesOf(systemActorName: string): string {
  return Object.values(actorNames(systemActorName))
    .map((name) => `'${name}'`)
    .join(', ');
}
