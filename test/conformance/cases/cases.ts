import type { System } from 'kahn';
import { Flight } from '../../../examples/flights/flight.ts';
import { Flights } from '../../../examples/flights/flights.ts';
import { airTravel } from '../../../examples/flights/system.ts';
import { postgresShop, sqliteShop } from '../../../examples/orders-by-customer/systems.ts';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { Parcels } from '../../support/systems/parking/parcel-desk.ts';
import type { Relay, RelayClass } from '../../support/systems/relays.ts';
import type { Command, ConformanceCase, GetApplication } from './case.ts';
import { parking } from './parking-system.ts';
import { paxos } from './paxos.ts';
import { chainOfTen, ends, fanIn, fanOut, firstLink, selfFollowing } from './relay-systems.ts';

const numbers = Array.from({ length: 12 }, (_, i) => i);

const placeOrders = (get: GetApplication): readonly Command[] =>
  numbers.map((i) => `customer ${i}`).map((customer) => () => get(Orders, customer).place(customer));

/** Pairs of airports. Flights of a pair stay in one pipeline, so that the events of an airport have one order. */
const routes = [
  ['ABQ', 'BNA'],
  ['LAX', 'SFO'],
  ['JFK', 'BOS'],
] as const;

function recordFlight(get: GetApplication, i: number): Promise<void> {
  const [origin, destination] = routes[i % routes.length] ?? routes[0];
  const record = { delay: 95 * (i % 5), distance: 400 * (1 + (i % 7)), origin, destination };
  return get(Flights, origin).record([Flight.arrived(`flight ${i}`, record)]);
}

function relays(
  name: string,
  what: string,
  system: System,
  first: readonly RelayClass[],
  hops: number,
): ConformanceCase {
  return {
    name,
    what,
    hasRows: false,
    systemOn: () => system,
    commands: (get) =>
      numbers.flatMap((i) => first.map((kind) => () => (get(kind, `token ${i}`) as Relay).move(i % 3, hops))),
  };
}

/** All systems that are run in all combinations. */
export const cases: readonly ConformanceCase[] = [
  {
    name: 'shop',
    what: 'Orders are reserved and paid by two applications, which they follow back.',
    hasRows: false,
    systemOn: () => shop as System,
    commands: placeOrders,
  },
  {
    name: 'flights',
    what: 'Late flights open claims, which are paid and closed. Airports add up delays.',
    hasRows: false,
    systemOn: () => airTravel as System,
    commands: (get) => numbers.map((i) => () => recordFlight(get, i)),
  },
  paxos,
  relays('self-following', 'An application follows itself.', selfFollowing as System, [ends.a], 6),
  relays('fan-in', 'One application follows three.', fanIn as System, [ends.a, ends.b, ends.c], 2),
  relays('fan-out', 'Three applications follow one.', fanOut as System, [ends.a], 2),
  relays(
    'chain of ten',
    'Each of ten applications follows the one before it.',
    chainOfTen as System,
    [firstLink],
    10,
  ),
  {
    name: 'projection',
    what: 'The shop, and a table of the orders of each customer.',
    hasRows: true,
    systemOn: (storageName) => (storageName === 'postgres' ? postgresShop : sqliteShop) as System,
    commands: placeOrders,
  },
  {
    name: 'parked',
    what: 'A policy fails on every third notification, which is parked with those behind it.',
    hasRows: false,
    systemOn: () => parking as System,
    commands: (get) =>
      numbers.map((i) => `parcel ${i % 5}`).map((id, i) => () => get(Parcels, id).send(id, i + 1)),
  },
];
