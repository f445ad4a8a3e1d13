import { InvalidArgumentError } from '../../../util/options.ts';

/** Something to be done at a tick. */
export type Command = () => unknown;

/** Commands that wait for their ticks. */
export class CommandSchedule {
  readonly #byTick = new Map<number, Command[]>();

  /** How many commands wait. */
  get size(): number {
    return this.#byTick.values().reduce((sum, commands) => sum + commands.length, 0);
  }

  /** Throws InvalidArgumentError unless the command is a function and lies at least one tick ahead. */
  add(command: Command, tick: number, ticksAhead: number): void {
    if (typeof command !== 'function') {
      throw new InvalidArgumentError(`callInFuture() takes a function, not ${typeof command}.`);
    }
    if (!Number.isSafeInteger(ticksAhead) || ticksAhead < 1) {
      throw new InvalidArgumentError(
        `callInFuture() takes a whole number of ticks from 1, not ${String(ticksAhead)}.`,
      );
    }
    const due = this.#byTick.get(tick + ticksAhead) ?? [];
    due.push(command);
    this.#byTick.set(tick + ticksAhead, due);
  }

  /** Takes what is due at a tick, in the order in which it was added. */
  take(tick: number): readonly Command[] {
    const due = this.#byTick.get(tick) ?? [];
    this.#byTick.delete(tick);
    return due;
  }
}
