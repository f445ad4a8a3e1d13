import type { WriteStream } from 'node:tty';
import { count } from '../../flights/job/text.ts';
import type { Day } from '../day.ts';
import { timeOf } from './panels.ts';

/** Shows the progress of the day: a line that is updated on a terminal, otherwise a line per hour. */
export class DayProgress {
  readonly #stream: WriteStream;
  #isInLine = false;

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  /** Shows the state after a minute. */
  show(day: Day): void {
    const minute = day.minutes - 1;
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[2K${line(day, minute)}`);
    else if (minute % 60 === 0) this.#stream.write(`${line(day, minute)}\n`);
    this.#isInLine = this.#stream.isTTY;
  }

  /** Ends the line. */
  [Symbol.dispose](): void {
    if (this.#isInLine) this.#stream.write('\n');
  }
}

function line({ landed, queues, tray }: Day, minute: number): string {
  const waiting = [...queues.lengths].map(([name, lengths]) => `${name} ${lengths.at(-1)}`);
  return `  ${timeOf(minute)}  ${count(landed)} landed  ${[...waiting, `clerks ${tray.at(-1)}`].join('  ')}`;
}
