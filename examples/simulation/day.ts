import type { SteppingRunner, Tick } from 'kahn';
import { Flight, flightId } from '../flights/flight.ts';
import { Flights } from '../flights/flights.ts';
import type { FlightRecord } from '../flights/job/flight-record.ts';
import { Clerks } from './clerks.ts';
import { Desk } from './desk.ts';
import { Queues } from './queues.ts';
import { travelDay } from './system.ts';
import { legOf } from './timetable.ts';

/** Simulated time per tick. */
const msPerMinute = 60_000;

/** Options of the clock: all flights take place on one day, and tick 1 is its first minute. */
export const timing = {
  normalSpeed: 1 / 60,
  startTimeMs: Date.UTC(2001, 0, 1) - msPerMinute,
};

export type DayRunner = SteppingRunner<(typeof travelDay.applications)[number]>;

/** A simulated day: its scheduled commands, and the queue lengths in each minute. */
export class Day {
  readonly queues = new Queues(travelDay.graph);
  /** Number of payouts that waited for a clerk, by minute. */
  readonly tray: number[] = [];
  readonly #runner: DayRunner;
  readonly #clerks: Clerks;
  readonly #flights: number;
  #landed = 0;

  /** Schedules all departures and the work of the clerks. The runner must not have ticked yet. */
  constructor(runner: DayRunner, dataset: string, records: readonly FlightRecord[], clerks: number) {
    this.#runner = runner;
    this.#clerks = new Clerks(runner.get(Desk), clerks);
    this.#flights = records.length;
    for (const [i, record] of records.entries()) {
      const { departureMinute, minutes } = legOf(record, i + 1);
      // Created in the command: events have the time of the tick in which they are created.
      const land = () => this.#land(Flight.arrived(flightId(dataset, i + 1), record));
      runner.callInFuture(() => runner.callInFuture(land, minutes), departureMinute + 1);
    }
    runner.callInFuture(() => this.#work(0));
  }

  /** Number of simulated minutes. */
  get minutes(): number {
    return this.tray.length;
  }

  /** Number of flights that have landed. */
  get landed(): number {
    return this.#landed;
  }

  /** Runs the clock until all flights have landed, all claims are paid, and all queues are empty. */
  async run(signal: AbortSignal, onMinute: (day: Day) => void): Promise<void> {
    const unsubscribe = this.#runner.subscribe((tick) => {
      if (this.#isOver) return;
      this.#note(tick);
      onMinute(this);
    });
    this.#runner.resume();
    while (!this.#isOver) await this.#runner.caughtUp({ signal });
    unsubscribe();
    await this.#runner.pause();
    await this.#runner.caughtUp({ signal }); // the last payouts close their claims
  }

  get #isOver(): boolean {
    return this.#landed === this.#flights && this.queues.areEmpty && this.#clerks.waiting === 0;
  }

  #note(tick: Tick): void {
    this.queues.note(tick);
    this.tray.push(this.#clerks.waiting);
  }

  async #land(flight: Flight): Promise<void> {
    await this.#runner.get(Flights).record([flight]);
    this.#landed += 1;
  }

  async #work(minute: number): Promise<void> {
    await this.#clerks.work(minute);
    this.#runner.callInFuture(() => this.#work(minute + 1));
  }
}
