import { unlessAborted } from '../../../util/abort.ts';
import { backOff } from '../../../util/retry.ts';
import type { Prompt } from '../../prompt.ts';
import type { LogListener } from '../../storage.ts';
import type { DriverNotification, DriverQuery } from '../driver-types.ts';
import { sql } from '../statements.ts';

/** What a listener works with. */
export interface ListenerOptions {
  /** Makes a connection that stays with one session of the server. */
  connect(): Promise<ListeningClient>;
  readonly channel: string;
  /** Whose own prompts are left out. */
  readonly writerId: string;
  readonly listener: LogListener;
}

/** A connection that nobody else uses. */
export interface ListeningClient {
  query(query: DriverQuery): Promise<unknown>;
  on(event: 'error' | 'end', listener: () => void): unknown;
  on(event: 'notification', listener: (notification: DriverNotification) => void): unknown;
  end(): Promise<void>;
}

const backoff = { firstMs: 50, maxMs: 5_000 };

/**
 * Hears of logs that have grown, on a connection of its own. When that breaks, as it may at any time, a new one is
 * made; what was missed meanwhile is for whoever polls.
 */
export class Listener implements AsyncDisposable {
  readonly #options: ListenerOptions;
  readonly #closing = new AbortController();
  readonly #first = Promise.withResolvers<void>();
  readonly #running: Promise<void>;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when it listens, or could not at first. */
  get started(): Promise<void> {
    return this.#first.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let failures = 0;
    while (!signal.aborted) {
      // What is wrong with one connection is none of the next one's business, and the poll goes on meanwhile.
      await this.#listen(() => {
        failures = 0;
      }).catch(() => {});
      this.#first.resolve();
      failures += 1;
      await backOff(failures, backoff, signal).catch(() => {});
    }
  }

  /** Listens until the connection ends or this is closed. */
  async #listen(listening: () => void): Promise<void> {
    const { connect, channel, listener } = this.#options;
    const client = await connect();
    try {
      const lost = Promise.withResolvers<void>();
      client.on('error', lost.resolve);
      client.on('end', lost.resolve);
      client.on('notification', (notification) => this.#hear(notification));
      const { signal } = this.#closing;
      await unlessAborted(client.query({ ...sql.listen(channel), rowMode: 'array' }), signal);
      listening();
      listener.missed();
      this.#first.resolve();
      await unlessAborted(lost.promise, signal);
    } finally {
      await client.end();
    }
  }

  #hear({ payload = '' }: DriverNotification): void {
    const { writerId, listener } = this.#options;
    const prompt = promptFrom(payload);
    if (prompt === undefined || prompt.writerId === writerId) return;
    const { applicationName, pipelineId, head } = prompt;
    listener.heard({ applicationName, pipelineId, head });
  }
}

/** The text that the head of the log and a bracket are appended to, see the statement that records. */
export function promptPrefix(writerId: string, applicationName: string, pipelineId: number): string {
  return `${JSON.stringify([writerId, applicationName, pipelineId]).slice(0, -1)},`;
}

/** Undefined if it is none of ours: anybody may notify. */
function promptFrom(payload: string): (Prompt & { writerId: string }) | undefined {
  try {
    const [writerId, applicationName, pipelineId, head] = JSON.parse(payload);
    const fits =
      typeof applicationName === 'string' && Number.isInteger(pipelineId) && Number.isInteger(head);
    return fits ? { writerId, applicationName, pipelineId, head } : undefined;
  } catch {
    return undefined;
  }
}
