import { Aggregate, type DomainEvent, nameId } from 'kahn';
import type { FlightRecord } from './job/flight-record.ts';

/** What is known of a flight once it has arrived. */
export interface Arrival {
  /** Local time, such as '2001-01-01T06:55'. */
  readonly scheduledDeparture?: string;
  readonly origin?: string;
  readonly destination?: string;
  readonly delayMinutes: number;
  readonly distanceKm: number;
}

export type FlightEvent = DomainEvent<'Flight.Arrived', Arrival>;

/** A flight, known from the record of its arrival. */
export class Flight extends Aggregate<FlightEvent> {
  static arrived(id: string, record: FlightRecord): Flight {
    return Flight.create('Flight.Arrived', arrivalOf(record), id);
  }
}

/** The id of the flight in a record: always the same, so that a record is never stored as two flights. */
export function flightId(dataset: string, recordNumber: number): string {
  return nameId('flight', `${dataset} ${recordNumber}`);
}

const kmPerMile = 1.609344;

/** The record in our own words. */
export function arrivalOf({ date, delay, distance, origin, destination }: FlightRecord): Arrival {
  return {
    ...(date !== undefined && { scheduledDeparture: date.replaceAll('/', '-').replace(' ', 'T') }),
    ...(origin !== undefined && { origin }),
    ...(destination !== undefined && { destination }),
    delayMinutes: delay,
    distanceKm: distance * kmPerMile,
  };
}
