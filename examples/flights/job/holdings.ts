import { isDeepStrictEqual } from 'node:util';
import { arrivalOf, flightId } from '../flight.ts';
import { Flights } from '../flights.ts';
import { airTravel } from '../system.ts';
import { InputError } from './errors.ts';
import type { FlightRecord } from './flight-record.ts';
import type { Options } from './options.ts';

/** What a place holds before the job goes on there. */
export interface Holdings {
  /** How many flights are recorded: those in the first so many records. */
  readonly flights: number;
  /** How many events there are in all logs. */
  readonly events: number;
}

/** Looks into the place, adding no events. Throws {@link InputError} unless its flights are those in the records. */
export async function holdingsOf(options: Options, records: readonly FlightRecord[]): Promise<Holdings> {
  const { storage, prepare } = options.place;
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

/** Counts the recorded flights, comparing each with the record that it must come from. */
async function matchingFlights(
  flights: Flights,
  { dataset, place }: Options,
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
        `There are other flights than those of '${dataset}' in ${place.name}: they differ from record ${id} on. ` +
          `Nothing was added. Choose another ${place.option}.`,
      );
    }
    count = id;
  }
  return count;
}
