import type { Aggregate, AggregateClass, Application, DomainEvent, SystemRunner } from 'kahn';
import { Airport } from '../../airport.ts';
import { Airports } from '../../airports.ts';
import { Claim } from '../../claim.ts';
import { Claims } from '../../claims.ts';
import { Flights } from '../../flights.ts';
import { Payout } from '../../payout.ts';
import { Payouts } from '../../payouts.ts';
import type { airTravel } from '../../system.ts';

/** Results of processing a set of flights. */
export interface Figures {
  readonly flights: number;
  /** Number of claims of 250, 400 and 600 euro. */
  readonly claims: ReadonlyMap<number, number>;
  readonly closedClaims: number;
  readonly payouts: number;
  readonly eurosPaid: number;
  /** Figures of the airports by code. */
  readonly airports: ReadonlyMap<string, AirportFigures>;
}

export interface AirportFigures {
  readonly departures: number;
  readonly arrivals: number;
  readonly delayMinutes: number;
  readonly worstDelayMinutes: number | undefined;
}

/** Returns the figures that the applications have recorded. */
export async function recordedFigures(
  runner: SystemRunner<(typeof airTravel.applications)[number]>,
): Promise<Figures> {
  return figuresOf(runner, await allOf(runner.get(Payouts), Payout));
}

/** Returns the figures with the given payouts, which other applications may have recorded. */
export async function figuresOf(
  runner: SystemRunner<typeof Flights | typeof Claims | typeof Airports>,
  payouts: readonly { readonly euros: number }[],
): Promise<Figures> {
  const claims = await allOf(runner.get(Claims), Claim);
  const airports = await allOf(runner.get(Airports), Airport);
  return {
    flights: await runner.get(Flights).log.head(),
    claims: new Map(
      [250, 400, 600].map((euros) => [euros, claims.filter((claim) => claim.euros === euros).length]),
    ),
    closedClaims: claims.filter((claim) => claim.closed).length,
    payouts: payouts.length,
    eurosPaid: payouts.reduce((sum, payout) => sum + payout.euros, 0),
    airports: new Map(airports.map((airport) => [airport.id, airport])),
  };
}

/** Loads every aggregate of a type in the log of an application. */
export async function allOf<E extends DomainEvent, A extends Aggregate<E>>(
  application: Application<E>,
  kind: AggregateClass<A>,
): Promise<A[]> {
  const aggregates: A[] = [];
  for await (const { event } of application.reader()) {
    if (event.originatorVersion === 1)
      aggregates.push(await application.repository.get(kind, event.originatorId));
  }
  return aggregates;
}
