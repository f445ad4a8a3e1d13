import { performance } from 'node:perf_hooks';
import { pause } from '../../util/retry.ts';
import type { FollowerPace } from '../following/batches/batch-options.ts';
import type { SchemaHistory } from './schema-history.ts';

/** Longest rest after a batch, in ms. */
const longestRestMs = 1_000;
/** Time for which a schema counts as being built without reading that again, in ms. */
const refreshMs = 500;

/** A schema that may be built. */
interface PacedSchema {
  readonly isBuilding: boolean;
  readonly history: SchemaHistory;
  /** Throws if the tables were dropped. */
  assertKept(): void;
}

/** Lets the followers of a schema rest between batches while it is being built. */
export class BuildPace implements FollowerPace {
  readonly #schema: PacedSchema;
  /** Rest for each ms of work. */
  readonly #rest: number;
  #owedMs = 0;
  #refreshedAt = -Infinity;

  /** @param share Share of the time for work, above 0 and up to 1. */
  constructor(schema: PacedSchema, share: number) {
    this.#schema = schema;
    this.#rest = 1 / share - 1;
  }

  beforeBatch(): Promise<void> | undefined {
    this.#schema.assertKept();
    if (!this.#schema.isBuilding) return undefined;
    return this.#restAndRefresh();
  }

  worked(ms: number): void {
    if (this.#schema.isBuilding) this.#owedMs = Math.min(longestRestMs, this.#owedMs + ms * this.#rest);
  }

  async #restAndRefresh(): Promise<void> {
    const restMs = this.#owedMs;
    this.#owedMs = 0;
    if (restMs > 0) await pause(restMs);
    if (performance.now() - this.#refreshedAt < refreshMs) return;
    this.#refreshedAt = performance.now();
    await this.#schema.history.refresh();
  }
}
