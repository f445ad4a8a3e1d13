import { Aggregate, type DomainEvent, nameId } from 'kahn';
import type { FlightRecord } from './job/flight-record.ts';

/** Data of a flight that has arrived. */
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

/** Returns the id of a flight: always the same for a record, so that a record is never stored as two flights. */
export function flightId(dataset: string, recordNumber: number): string {
  return nameId('flight', `${dataset} ${recordNumber}`);
}

const kmPerMile = 1.609344;

/** Converts a record to the data of an event. */
export function arrivalOf({ date, delay, distance, origin, destination }: FlightRecord): Arrival {
  return {
    ...(date !== undefined && { scheduledDeparture: date.replaceAll('/', '-').replace(' ', 'T') }),
    ...(origin !== undefined && { origin }),
    ...(destination !== undefined && { destination }),
    delayMinutes: delay,
    distanceKm: distance * kmPerMile,
  };
}
