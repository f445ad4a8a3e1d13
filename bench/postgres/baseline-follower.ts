import type { StoredEvent, StoredNotification } from 'kahn';
import { madeFor, noted, orderOf } from '../baseline-events.ts';
import { batchSize, maxIgnored } from '../baseline-follower.ts';
import type { PostgresLog } from './baseline-log.ts';

/** Reacts to what came in, all of one type. */
type React = (causes: readonly StoredNotification[]) => Promise<readonly StoredEvent[]>;

/** Follows one log by hand: reads a batch, reacts to the types that matter, records that and the position. */
export class PostgresFollower {
  readonly #upstream: PostgresLog;
  readonly log: PostgresLog;
  readonly #type: string;
  readonly #react: React;
  #position: number;
  #seen: number;

  private constructor(upstream: PostgresLog, log: PostgresLog, type: string, react: React, position: number) {
    this.#upstream = upstream;
    this.log = log;
    this.#type = type;
    this.#react = react;
    this.#position = position;
    this.#seen = position;
  }

  /** Makes something new for an order. */
  static async making(
    orders: PostgresLog,
    log: PostgresLog,
    type: string,
    newType: string,
  ): Promise<PostgresFollower> {
    const react: React = async (causes) => causes.map((cause) => madeFor(cause, newType));
    return new PostgresFollower(orders, log, type, react, await log.position(orders.name));
  }

  /** Notes on orders, which it looks up all at once, what was made for them. */
  static async noting(
    upstream: PostgresLog,
    orders: PostgresLog,
    type: string,
    newType: string,
    key: string,
  ): Promise<PostgresFollower> {
    const react: React = async (causes) => {
      const ids = causes.map(orderOf);
      const versions = await orders.versions(ids);
      return causes.map((cause, i) => {
        const id = ids[i] ?? '';
        const event = noted(id, versions.get(id) ?? 0, cause, newType, key);
        versions.set(id, event.originatorVersion);
        return event;
      });
    };
    return new PostgresFollower(upstream, orders, type, react, await orders.position(upstream.name));
  }

  /** Processes the upstream's log to its end; whether it has written events. */
  async run(): Promise<boolean> {
    let written = false;
    for (;;) {
      const batch = await this.#upstream.read(this.#seen, batchSize);
      this.#seen = batch.at(-1)?.id ?? this.#seen;
      const causes = batch.filter(({ type }) => type === this.#type);
      if (causes.length > 0) {
        await this.#record(await this.#react(causes));
        written = true;
      } else if (this.#seen - this.#position >= maxIgnored) {
        await this.#record([]);
      }
      if (batch.length < batchSize) return written;
    }
  }

  /** Records the position behind ignored notifications. */
  async flush(): Promise<void> {
    if (this.#seen !== this.#position) await this.#record([]);
  }

  async #record(events: readonly StoredEvent[]): Promise<void> {
    const upstreamName = this.#upstream.name;
    await this.log.process(events, { upstreamName, expected: this.#position, position: this.#seen });
    this.#position = this.#seen;
  }
}
