import { Aggregate, type DomainEvent } from 'kahn';

export type AirportEvent =
  | DomainEvent<'Airport.FlightDeparted', { flightId: string }>
  | DomainEvent<'Airport.FlightArrived', { flightId: string; delayMinutes: number }>;

/** An airport with its traffic. Its id is its three-letter code, such as ABQ. */
export class Airport extends Aggregate<AirportEvent> {
  /** A busy airport has thousands of events, so it is loaded from its last snapshot. */
  static override readonly snapshotEvery = 50;

  departures = 0;
  arrivals = 0;
  delayMinutes = 0;
  worstDelayMinutes: number | undefined;

  get meanDelayMinutes(): number {
    return this.delayMinutes / this.arrivals;
  }

  recordDeparture(flightId: string): void {
    this.trigger('Airport.FlightDeparted', { flightId });
  }

  recordArrival(flightId: string, delayMinutes: number): void {
    this.trigger('Airport.FlightArrived', { flightId, delayMinutes });
  }

  protected override apply(event: AirportEvent): void {
    switch (event.type) {
      case 'Airport.FlightDeparted':
        this.departures += 1;
        break;
      case 'Airport.FlightArrived':
        this.#countArrival(event.data.delayMinutes);
    }
  }

  #countArrival(delayMinutes: number): void {
    this.arrivals += 1;
    this.delayMinutes += delayMinutes;
    this.worstDelayMinutes = Math.max(this.worstDelayMinutes ?? delayMinutes, delayMinutes);
  }
}
