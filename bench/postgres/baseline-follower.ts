import type { StoredEvent, StoredNotification } from 'kahn';
import { createdFor, orderIdOf, referringTo } from '../baseline/events.ts';
import { batchSize, maxIgnored } from '../baseline/follower.ts';
import type { PostgresLog } from './baseline-log.ts';

/** Returns the events that follow from notifications of one type. */
type React = (causes: readonly StoredNotification[]) => Promise<readonly StoredEvent[]>;

/** Follows one log: reads a batch, and records the reactions and the new position in one statement. */
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

  /** A follower that creates an aggregate for each order. */
  static async creating(
    orders: PostgresLog,
    log: PostgresLog,
    type: string,
    newType: string,
  ): Promise<PostgresFollower> {
    const react: React = async (causes) => causes.map((cause) => createdFor(orders.name, cause, newType));
    return new PostgresFollower(orders, log, type, react, await log.position(orders.name));
  }

  /** A follower that records on each order which aggregate was created for it. */
  static async referring(
    upstream: PostgresLog,
    orders: PostgresLog,
    type: string,
    newType: string,
    key: string,
  ): Promise<PostgresFollower> {
    const react: React = async (causes) => {
      const ids = causes.map(orderIdOf);
      const versions = await orders.versions(ids);
      return causes.map((cause, i) => {
        const id = ids[i] ?? '';
        const event = referringTo(id, versions.get(id) ?? 0, upstream.name, cause, newType, key);
        versions.set(id, event.originatorVersion);
        return event;
      });
    };
    return new PostgresFollower(upstream, orders, type, react, await orders.position(upstream.name));
  }

  /** Processes the upstream's log to its end, and returns whether events were recorded. */
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

  /** Records the position after ignored notifications. */
  async flush(): Promise<void> {
    if (this.#seen !== this.#position) await this.#record([]);
  }

  async #record(events: readonly StoredEvent[]): Promise<void> {
    const upstreamName = this.#upstream.name;
    await this.log.process(events, { upstreamName, expected: this.#position, position: this.#seen });
    this.#position = this.#seen;
  }
}
