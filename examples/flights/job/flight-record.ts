import { InputError } from './errors.ts';

/** A record of the US on-time data as it is in the file. The largest file has no dates and no airports. */
export interface FlightRecord {
  /** Local time of the scheduled departure, such as '2001/01/01 06:55'. */
  readonly date?: string;
  /** Arrival delay in minutes; negative if early. */
  readonly delay: number;
  /** Distance in miles. */
  readonly distance: number;
  /** Three-letter airport code. A record has `origin` and `destination`, or neither. */
  readonly origin?: string;
  readonly destination?: string;
}

/** Returns the fault of a field's value; undefined if it is valid. */
type Check = (value: unknown) => string | undefined;

const checks: Readonly<Record<keyof FlightRecord, Check>> = {
  date: optional((value) =>
    isDateTime(value) ? undefined : "not a date and time such as '2001/01/01 06:55'",
  ),
  // One day early to ten days late.
  delay: (value) =>
    isWhole(value, -1_440, 14_400) ? undefined : 'not a whole number of minutes from -1440 to 14400',
  // The largest distance between two places on earth.
  distance: (value) =>
    isWhole(value, 1, 12_451) ? undefined : 'not a whole number of miles from 1 to 12451',
  origin: optional((value) => (isAirportCode(value) ? undefined : 'not an airport code such as ABQ')),
  destination: optional((value) => (isAirportCode(value) ? undefined : 'not an airport code such as ABQ')),
};

/** Checks a record; record numbers start at 1. Throws {@link InputError} with the first fault. */
export function flightRecord(value: unknown, recordNumber: number): FlightRecord {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(`Record ${recordNumber} is malformed: ${shown(value)} is not an object.`);
  }
  const record = value as Record<keyof FlightRecord, unknown>;
  for (const [field, check] of Object.entries(checks) as [keyof FlightRecord, Check][]) {
    const fault = check(record[field]);
    if (fault === undefined) continue;
    const found = record[field] === undefined ? 'it is missing' : `${shown(record[field])} is ${fault}`;
    throw new InputError(`Record ${recordNumber} is malformed in its field '${field}': ${found}.`);
  }
  for (const [present, missing] of [
    ['origin', 'destination'],
    ['destination', 'origin'],
  ] as const) {
    if (record[present] === undefined || record[missing] !== undefined) continue;
    throw new InputError(
      `Record ${recordNumber} is malformed in its field '${missing}': it is missing, unlike '${present}'.`,
    );
  }
  return record as FlightRecord;
}

function optional(check: Check): Check {
  return (value) => (value === undefined ? undefined : check(value));
}

function isWhole(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && Number(value) >= min && Number(value) <= max;
}

function isAirportCode(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Z]{3}$/.test(value);
}

function isDateTime(value: unknown): boolean {
  if (typeof value !== 'string' || !/^\d{4}\/\d\d\/\d\d \d\d:\d\d$/.test(value)) return false;
  const iso = value.replaceAll('/', '-').replace(' ', 'T');
  const time = Date.parse(`${iso}Z`);
  // A day that does not exist, such as 30 February, becomes another day.
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(iso);
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
