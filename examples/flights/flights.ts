import { Application } from 'kahn';
import type { Flight, FlightEvent } from './flight.ts';

/** Records the flights that have arrived. */
export class Flights extends Application<FlightEvent> {
  static readonly applicationName = 'flights';
  static readonly emits = ['Flight.Arrived'] as const;

  async record(flights: readonly Flight[]): Promise<void> {
    await this.save(...flights);
  }
}
