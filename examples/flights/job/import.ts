import { Flight, flightId } from '../flight.ts';
import type { Flights } from '../flights.ts';
import { StoppedError } from './errors.ts';
import type { FlightRecord } from './flight-record.ts';
import { count } from './text.ts';

/** Chosen by measuring: larger groups are hardly faster, and smaller groups stop and report progress sooner. */
const flightsPerSave = 100;

export interface Import {
  readonly flights: Flights;
  readonly dataset: string;
  readonly records: readonly FlightRecord[];
  /** Number of records that are already recorded. */
  readonly done: number;
  readonly signal: AbortSignal;
  /** Called with the number of recorded flights. */
  progress(done: number): void;
}

/** Records the remaining flights in order. Throws {@link StoppedError} between two saves if the signal is aborted. */
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
