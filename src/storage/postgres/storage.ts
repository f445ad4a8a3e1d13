import { newId } from '../../util/ids.ts';
import type { OpenedStorage, StorageDescription } from '../storage.ts';
import { Connections } from './connection/connections.ts';
import { Listener } from './connection/listener.ts';
import { Retry } from './connection/retry.ts';
import { reach } from './connection/server.ts';
import { openRecorder } from './open-recorder.ts';
import { settingsFrom } from './options.ts';
import { channelOf, tablesOf } from './tables.ts';

/** How much longer than the server takes to give a statement up its answer may take. */
const answerMarginMs = 5_000;

/**
 * Opens the storage that a description made by `postgres()` stands for. Its `openRecorder` throws StorageError.
 *
 * @throws InvalidStorageError if the driver is not installed, or the description is not for this thread.
 */
export async function openStorage(
  options: StorageDescription['options'],
  writerId: string = newId(),
): Promise<OpenedStorage> {
  const settings = settingsFrom(options);
  const server = await reach(settings);
  const closing = new AbortController();
  const shared = {
    connections: new Connections(server.pool, {
      named: server.ownsSessions,
      answerTimeoutMs: settings.statementTimeoutMs + answerMarginMs,
    }),
    retry: new Retry(settings.retryTimeoutMs, closing.signal),
    channel: channelOf(settings.schema),
    writerId,
  };
  const { listen } = server;
  let closed: Promise<void> | undefined;
  return {
    openRecorder: ({ applicationName, setupTables }) => {
      const tables = tablesOf(settings.schema, applicationName, server.name);
      return openRecorder({ ...shared, tables }, setupTables);
    },
    ...(listen && {
      listen: async (listener) => {
        const { channel, writerId } = shared;
        const listening = new Listener({ connect: listen, channel, writerId, listener });
        await listening.started;
        return listening;
      },
    }),
    close() {
      closing.abort();
      closed ??= server.close();
      return closed;
    },
  };
}
