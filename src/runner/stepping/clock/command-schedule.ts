import { assertFunction, InvalidArgumentError } from '../../../util/options.ts';

/** A function that a stepping runner calls at the end of a tick. */
export type Command = () => unknown;

/** The commands to call, by tick. */
export class CommandSchedule {
  readonly #byTick = new Map<number, Command[]>();

  /**
   * Adds a command for the tick that comes `ticks` after `currentTick`.
   *
   * @throws {@link InvalidArgumentError} unless the command is a function and `ticks` is an integer >= 1.
   */
  add(command: Command, currentTick: number, ticks: number): void {
    assertFunction(command, 'the command of callInFuture()');
    if (!Number.isSafeInteger(ticks) || ticks < 1) {
      throw new InvalidArgumentError(
        `Expected the ticks of callInFuture() to be an integer >= 1, got ${String(ticks)}.`,
      );
    }
    const due = this.#byTick.get(currentTick + ticks) ?? [];
    due.push(command);
    this.#byTick.set(currentTick + ticks, due);
  }

  /** Removes and returns the commands of a tick, in the order in which they were added. */
  take(tick: number): readonly Command[] {
    const due = this.#byTick.get(tick) ?? [];
    this.#byTick.delete(tick);
    return due;
  }
}
