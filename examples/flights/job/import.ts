import { Flight, flightId } from '../flight.ts';
import type { Flights } from '../flights.ts';
import { StoppedError } from './errors.ts';
import type { FlightRecord } from './flight-record.ts';
import { count } from './text.ts';

/** Measured: more make it little faster, and fewer let it stop and show its progress more often. */
const flightsPerSave = 100;

/** What the import needs. */
export interface Import {
  readonly flights: Flights;
  readonly dataset: string;
  readonly records: readonly FlightRecord[];
  /** How many records are done already. */
  readonly done: number;
  readonly signal: AbortSignal;
  /** Called with the number of records that are done. */
  progress(done: number): void;
}

/** Records the flights that are not recorded yet, in order. Throws {@link StoppedError} between two saves. */
export async function importFlights({ flights, dataset, records, signal, ...job }: Import): Promise<void> {
  let { done } = job;
  while (done < records.length) {
    if (signal.aborted)
      throw new StoppedError(`Stopped after ${count(done)} of ${count(records.length)} flights.`);
    const first = done + 1;
    const chunk = records.slice(done, done + flightsPerSave);
    await flights.record(chunk.map((record, i) => Flight.arrived(flightId(dataset, first + i), record)));
    done += chunk.length;
    job.progress(done);
  }
}
