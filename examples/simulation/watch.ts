import type { WriteStream } from 'node:tty';
import { count } from '../flights/job/text.ts';
import type { Day } from './day.ts';
import { timeOf } from './panels.ts';

/** Shows how the day goes on: a line that changes on a terminal, and else a line for every hour. */
export class Watch {
  readonly #stream: WriteStream;
  #isInLine = false;

  constructor(stream: WriteStream) {
    this.#stream = stream;
  }

  /** Called after each minute. */
  show(day: Day): void {
    const minute = day.minutes - 1;
    if (this.#stream.isTTY) this.#stream.write(`\r\x1b[2K${line(day, minute)}`);
    else if (minute % 60 === 0) this.#stream.write(`${line(day, minute)}\n`);
    this.#isInLine = this.#stream.isTTY;
  }

  /** Leaves the line. */
  [Symbol.dispose](): void {
    if (this.#isInLine) this.#stream.write('\n');
  }
}

function line({ landed, queues, tray }: Day, minute: number): string {
  const waiting = [...queues.lengths].map(([name, lengths]) => `${name} ${lengths.at(-1)}`);
  return `  ${timeOf(minute)}  ${count(landed)} landed  ${[...waiting, `clerks ${tray.at(-1)}`].join('  ')}`;
}
