import type { Desk } from './desk.ts';

const minutesPerHour = 60;
const opensAtHour = 8;
const closesAtHour = 20;

/** How long a clerk works on a claim. */
export const minutesPerClaim = 10;

/** When the desk is open, for people. */
export const openingHours = `${opensAtHour}:00 to ${closesAtHour}:00`;

/** Whether the desk is open in a minute of the simulation. */
export function isOpen(minute: number): boolean {
  const hour = (minute / minutesPerHour) % 24;
  return hour >= opensAtHour && hour < closesAtHour;
}

/** Those who pay at the desk, one claim each at a time, first come, first served. */
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

  /** How many payouts wait for a clerk. */
  get waiting(): number {
    return this.#tray.length;
  }

  /** Works through one minute. What was planned is read from the log, for it may have been in another thread. */
  async work(minute: number): Promise<void> {
    for await (const { event } of this.#log) {
      if (event.type === 'Payout.Planned') this.#tray.push(event.originatorId);
    }
    if (!isOpen(minute) || minute % minutesPerClaim !== 0) return;
    const next = this.#tray.splice(0, this.#count);
    if (next.length > 0) await this.#desk.pay(next);
  }
}
