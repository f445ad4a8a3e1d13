import type { Desk } from './desk.ts';

const minutesPerHour = 60;
const opensAtHour = 8;
const closesAtHour = 20;

/** Time that a clerk needs for a claim. */
export const minutesPerClaim = 10;

/** Opening hours as text. */
export const openingHours = `${opensAtHour}:00 to ${closesAtHour}:00`;

/** Returns whether the desk is open in a minute of the simulation. */
export function isOpen(minute: number): boolean {
  const hour = (minute / minutesPerHour) % 24;
  return hour >= opensAtHour && hour < closesAtHour;
}

/** The clerks of the desk. Each pays one claim at a time, in the order of the claims. */
export class Clerks {
  readonly #desk: Desk;
  readonly #count: number;
  readonly #log: ReturnType<Desk['reader']>;
  readonly #tray: string[] = [];

  constructor(desk: Desk, count: number) {
    this.#desk = desk;
    this.#count = count;
    this.#log = desk.reader();
  }

  /** Number of payouts that wait for a clerk. */
  get waiting(): number {
    return this.#tray.length;
  }

  /** Works for one minute. Reads planned payouts from the log, because another thread may have recorded them. */
  async work(minute: number): Promise<void> {
    for await (const { event } of this.#log) {
      if (event.type === 'Payout.Planned') this.#tray.push(event.originatorId);
    }
    if (!isOpen(minute) || minute % minutesPerClaim !== 0) return;
    const next = this.#tray.splice(0, this.#count);
    if (next.length > 0) await this.#desk.pay(next);
  }
}
