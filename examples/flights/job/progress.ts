import type { WriteStream } from 'node:tty';
import { count } from './text.ts';

const barWidth = 30;
const redrawEveryMs = 100;

/** Shows the progress of the job: a bar on a terminal, otherwise a line for every tenth. */
export class Progress {
  readonly #stream: WriteStream;
  readonly #total: number;
  readonly #start: number;
  readonly #startedAt = performance.now();
  #drawnAt = 0;
  #tenth: number;

  constructor(stream: WriteStream, total: number, start: number) {
    this.#stream = stream;
    this.#total = total;
    this.#start = start;
    this.#tenth = Math.floor((start / total) * 10);
  }

  /** Shows that `done` flights are recorded. */
  show(done: number): void {
    if (this.#stream.isTTY) this.#draw(done);
    else this.#write(done);
  }

  /** Ends the line of the bar. */
  [Symbol.dispose](): void {
    if (this.#drawnAt > 0) this.#stream.write('\n');
  }

  #draw(done: number): void {
    const now = performance.now();
    if (now - this.#drawnAt < redrawEveryMs && done < this.#total) return;
    this.#drawnAt = now;
    const filled = Math.floor((done / this.#total) * barWidth);
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    this.#stream.write(`\r\x1b[2K  ${bar} ${this.#line(done)}`);
  }

  #write(done: number): void {
    const tenth = Math.floor((done / this.#total) * 10);
    if (tenth === this.#tenth) return;
    this.#tenth = tenth;
    this.#stream.write(`  ${this.#line(done)}\n`);
  }

  #line(done: number): string {
    const seconds = (performance.now() - this.#startedAt) / 1_000;
    const rate = (done - this.#start) / seconds;
    const left = Math.ceil((this.#total - done) / rate);
    const percent = `${Math.floor((done / this.#total) * 100)}%`.padStart(4);
    return `${percent}  ${count(done)} of ${count(this.#total)} flights  ${count(rate)}/s  ${left} s left`;
  }
}
