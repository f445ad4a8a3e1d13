import { unlessAborted } from '../../../util/abort.ts';
import { backOff, retry } from '../../../util/retry.ts';
import type { Prompt } from '../../prompt.ts';
import type { LogListener } from '../../storage.ts';
import type { DriverNotification, DriverQuery } from '../driver-types.ts';
import { sql } from '../statements.ts';

export interface ListenerOptions {
  /** Connects, with a session of its own. */
  connect(): Promise<ListeningClient>;
  readonly channel: string;
  /** Prompts with this id are ignored. */
  readonly writerId: string;
  readonly listener: LogListener;
}

/** A connection that only the listener uses. */
export interface ListeningClient {
  query(query: DriverQuery): Promise<unknown>;
  on(event: 'error' | 'end', listener: () => void): unknown;
  on(event: 'notification', listener: (notification: DriverNotification) => void): unknown;
  end(): Promise<void>;
}

const backoff = { firstMs: 50, maxMs: 5_000 };

/**
 * Receives prompts on a connection of its own, and reconnects when the connection breaks. Prompts sent in between are
 * lost; polling finds their events.
 */
export class Listener implements AsyncDisposable {
  readonly #options: ListenerOptions;
  readonly #closing = new AbortController();
  readonly #started = Promise.withResolvers<void>();
  readonly #running: Promise<void>;
  #lost: (() => void) | undefined;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when the listener listens, or when its first attempt has failed. */
  get started(): Promise<void> {
    return this.#started.promise;
  }

  /** Replaces the connection, which may lead to a server that no longer records. */
  reconnect(): void {
    this.#lost?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      // Errors of one connection do not affect the next.
      await this.#listenUntilLost().catch(() => {});
      await backOff(1, backoff, signal).catch(() => {});
    }
    this.#started.resolve();
  }

  async #listenUntilLost(): Promise<void> {
    const { signal } = this.#closing;
    const { client, lost } = await retry(() => this.#listen(), {
      backoff,
      signal,
      isTransient: () => true,
      onRetry: () => this.#started.resolve(),
    });
    try {
      this.#options.listener.onGap();
      this.#started.resolve();
      await unlessAborted(lost, signal);
    } finally {
      await client.end();
    }
  }

  async #listen(): Promise<{ client: ListeningClient; lost: Promise<void> }> {
    const { connect, channel } = this.#options;
    const client = await connect();
    const lost = Promise.withResolvers<void>();
    this.#lost = lost.resolve;
    client.on('error', lost.resolve);
    client.on('end', lost.resolve);
    client.on('notification', (notification) => this.#receive(notification));
    try {
      const listening = client.query({ ...sql.listen(channel), rowMode: 'array' });
      await unlessAborted(listening, this.#closing.signal);
      return { client, lost: lost.promise };
    } catch (error) {
      await client.end();
      throw error;
    }
  }

  #receive({ payload = '' }: DriverNotification): void {
    const { writerId, listener } = this.#options;
    const prompt = promptFrom(payload);
    if (prompt === undefined || prompt.writerId === writerId) return;
    const { applicationName, pipelineId, head } = prompt;
    listener.onPrompt({ applicationName, pipelineId, head });
  }
}

/** Returns the payload of a prompt without the head of the log and a bracket, which the statement appends. */
export function promptPrefix(writerId: string, applicationName: string, pipelineId: number): string {
  return `${JSON.stringify([writerId, applicationName, pipelineId]).slice(0, -1)},`;
}

/** Parses a payload. Returns undefined if another program sent it: any program may notify. */
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
