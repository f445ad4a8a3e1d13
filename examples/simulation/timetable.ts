import { InputError } from '../flights/job/errors.ts';
import type { FlightRecord } from '../flights/job/flight-record.ts';

/** When a flight leaves, in minutes of the day, and how long it takes to land. */
export interface Leg {
  readonly departureMinute: number;
  readonly minutes: number;
}

const kmPerMile = 1.609344;
const cruisingKmPerMinute = 800 / 60;

/**
 * The leg of a record, whatever its day. The data has the departures and the delays; how long it takes without a
 * delay is estimated from the distance. Throws {@link InputError} if the record has no departure.
 */
export function legOf({ date, delay, distance }: FlightRecord, recordNumber: number): Leg {
  if (date === undefined)
    throw new InputError(`Record ${recordNumber} does not say when the flight departs.`);
  const [hours = 0, minutes = 0] = date.slice(-5).split(':').map(Number);
  const flown = Math.round((distance * kmPerMile) / cruisingKmPerMinute) + delay;
  return { departureMinute: hours * 60 + minutes, minutes: Math.max(flown, 1) };
}
