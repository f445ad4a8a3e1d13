import type { StoredNotification } from 'kahn';
import type { BaselineLog } from './log.ts';

export const batchSize = 500; // the library's default
/** Ignored notifications after which their position is recorded on its own, as in the library. */
export const maxIgnored = 10 * batchSize;

/** Follows one log: reads a batch, and records the reactions and the new position in one transaction. */
export class BaselineFollower {
  readonly #upstream: BaselineLog;
  readonly log: BaselineLog;
  readonly #type: string;
  readonly #react: (notification: StoredNotification) => void;
  #position: number;
  #seen: number;

  constructor(
    upstream: BaselineLog,
    log: BaselineLog,
    type: string,
    react: (cause: StoredNotification) => void,
  ) {
    this.#upstream = upstream;
    this.log = log;
    this.#type = type;
    this.#react = react;
    this.#position = log.position(upstream.name);
    this.#seen = this.#position;
  }

  /** Processes the upstream's log to its end, and returns whether events were recorded. */
  run(): boolean {
    let written = false;
    for (;;) {
      const batch = this.#upstream.read(this.#seen, batchSize);
      this.#seen = batch.at(-1)?.id ?? this.#seen;
      const causes = batch.filter(({ type }) => type === this.#type);
      if (causes.length > 0) {
        this.#record(causes);
        written = true;
      } else if (this.#seen - this.#position >= maxIgnored) {
        this.#record([]);
      }
      if (batch.length < batchSize) return written;
    }
  }

  /** Records the position after ignored notifications. */
  flush(): void {
    if (this.#seen !== this.#position) this.#record([]);
  }

  #record(causes: readonly StoredNotification[]): void {
    this.log.transaction(() => {
      for (const cause of causes) this.#react(cause);
      this.log.movePosition(this.#upstream.name, this.#position, this.#seen);
    });
    this.#position = this.#seen;
  }
}
