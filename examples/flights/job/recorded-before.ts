import { isDeepStrictEqual } from 'node:util';
import { arrivalOf, flightId } from '../flight.ts';
import { Flights } from '../flights.ts';
import { airTravel } from '../system.ts';
import { InputError } from './errors.ts';
import type { FlightRecord } from './flight-record.ts';
import type { Options } from './options.ts';

/** Contents of the storage before this run. */
export interface RecordedBefore {
  /** Number of recorded flights, which are the first records of the file. */
  readonly flights: number;
  /** Number of events in all logs. */
  readonly events: number;
}

/** Reads what is recorded. Throws {@link InputError} unless the recorded flights match the records. */
export async function recordedBefore(
  options: Options,
  records: readonly FlightRecord[],
): Promise<RecordedBefore> {
  const { storage, prepare } = options.location;
  await prepare();
  let events = 0;
  let flights = 0;
  for (const kind of airTravel.applications) {
    await using application = await airTravel.open(kind, { storage });
    events += await application.log.head();
    if (application instanceof Flights) flights = await matchingFlights(application, options, records);
  }
  return { flights, events };
}

/** Counts the recorded flights, and compares each with its record. */
async function matchingFlights(
  flights: Flights,
  { dataset, location }: Options,
  records: readonly FlightRecord[],
): Promise<number> {
  let count = 0;
  for await (const { id, event } of flights.reader()) {
    const record = records[id - 1];
    const matches =
      record !== undefined &&
      event.originatorId === flightId(dataset, id) &&
      isDeepStrictEqual(event.data, arrivalOf(record));
    if (!matches) {
      throw new InputError(
        `The flights in ${location.name} are not the flights of '${dataset}': they differ from record ${id} on. ` +
          `Nothing was added. Choose another ${location.option}.`,
      );
    }
    count = id;
  }
  return count;
}
