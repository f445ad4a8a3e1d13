import { type PolicyRepository, ProcessApplication } from 'kahn';
import { Airport, type AirportEvent } from './airport.ts';
import type { FlightEvent } from './flight.ts';

/** Counts the flights and adds up the delays of every airport. */
export class Airports extends ProcessApplication<AirportEvent, FlightEvent> {
  static readonly applicationName = 'airports';
  static readonly emits = ['Airport.FlightDeparted', 'Airport.FlightArrived'] as const;

  override readonly policy = this.when({
    'Flight.Arrived': async ({ originatorId, data }, repository) => {
      const { origin, destination, delayMinutes } = data;
      if (origin === undefined || destination === undefined) return;
      const from = await airportAt(origin, repository);
      const to = destination === origin ? from : await airportAt(destination, repository);
      from.recordDeparture(originatorId);
      to.recordArrival(originatorId, delayMinutes);
      return [from, to];
    },
  });
}

async function airportAt(code: string, repository: PolicyRepository<AirportEvent>): Promise<Airport> {
  return (await repository.has(Airport, code)) ? repository.get(Airport, code) : new Airport(code);
}
