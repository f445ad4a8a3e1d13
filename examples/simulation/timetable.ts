import { InputError } from '../flights/job/errors.ts';
import type { FlightRecord } from '../flights/job/flight-record.ts';

/** Departure of a flight in minutes since midnight, and its duration. */
export interface Leg {
  readonly departureMinute: number;
  readonly minutes: number;
}

const kmPerMile = 1.609344;
const cruisingKmPerMinute = 800 / 60;

/**
 * Returns the leg of a record, ignoring its day. The duration is estimated from the distance, plus the delay.
 * Throws {@link InputError} if the record has no departure.
 */
export function legOf({ date, delay, distance }: FlightRecord, recordNumber: number): Leg {
  if (date === undefined) throw new InputError(`Record ${recordNumber} has no departure time.`);
  const [hours = 0, minutes = 0] = date.slice(-5).split(':').map(Number);
  const flown = Math.round((distance * kmPerMile) / cruisingKmPerMinute) + delay;
  return { departureMinute: hours * 60 + minutes, minutes: Math.max(flown, 1) };
}
