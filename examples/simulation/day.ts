import type { SteppingRunner, Tick } from 'kahn';
import { Flight, flightId } from '../flights/flight.ts';
import { Flights } from '../flights/flights.ts';
import type { FlightRecord } from '../flights/job/flight-record.ts';
import { Clerks } from './clerks.ts';
import { Desk } from './desk.ts';
import { Queues } from './queues.ts';
import { travelDay } from './system.ts';
import { legOf } from './timetable.ts';

/** A tick is a minute. */
const msPerMinute = 60_000;

/** The day onto which all flights are folded. Tick 1 is its first minute. */
export const timing = {
  normalSpeed: 1 / 60,
  startTimeMs: Date.UTC(2001, 0, 1) - msPerMinute,
};

export type DayRunner = SteppingRunner<(typeof travelDay.applications)[number]>;

/** A simulated day: what is to happen in it, and what could be seen minute by minute. */
export class Day {
  readonly queues = new Queues(travelDay.graph);
  /** How many payouts waited for a clerk, minute by minute. */
  readonly tray: number[] = [];
  readonly #runner: DayRunner;
  readonly #clerks: Clerks;
  readonly #flights: number;
  #landed = 0;

  /** Puts all departures, and the work of the clerks, on the schedule of a runner that has not ticked yet. */
  constructor(runner: DayRunner, dataset: string, records: readonly FlightRecord[], clerks: number) {
    this.#runner = runner;
    this.#clerks = new Clerks(runner.get(Desk), clerks);
    this.#flights = records.length;
    for (const [i, record] of records.entries()) {
      const { departureMinute, minutes } = legOf(record, i + 1);
      // Made in the command: events have the time of the tick in which they are made.
      const land = () => this.#land(Flight.arrived(flightId(dataset, i + 1), record));
      runner.callInFuture(() => runner.callInFuture(land, minutes), departureMinute + 1);
    }
    runner.callInFuture(() => this.#work(0));
  }

  /** How many minutes there were. */
  get minutes(): number {
    return this.tray.length;
  }

  /** How many flights have landed. */
  get landed(): number {
    return this.#landed;
  }

  /** Lets the clock tick until all flights have landed, all claims are paid, and nobody has anything left to read. */
  async run(signal: AbortSignal, watch: (day: Day) => void): Promise<void> {
    const unsubscribe = this.#runner.subscribe((tick) => {
      if (this.#isOver) return;
      this.#note(tick);
      watch(this);
    });
    this.#runner.resume();
    while (!this.#isOver) await this.#runner.caughtUp({ signal });
    unsubscribe();
    await this.#runner.pause();
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
