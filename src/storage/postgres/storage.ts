import { siblingFile } from '../../util/environment/bundle.ts';
import { markAs } from '../../util/environment/copies.ts';
import { newId } from '../../util/ids.ts';
import { longestTimerMs } from '../../util/time.ts';
import type { OpenedStorage, StorageOptions } from '../storage.ts';
import { Connections } from './connection/connections.ts';
import { Listener } from './connection/listener.ts';
import { serverOf } from './connection/server.ts';
import { ServerRetry } from './connection/server-retry.ts';
import { checkedSettings } from './options.ts';
import { PostgresRecorder } from './recorder.ts';
import { applicationSet, subjectSet } from './schema.ts';
import { prepareTables, readApplicationNames } from './set-up.ts';
import { PostgresSubjectKeys } from './subject-keys.ts';
import { channelOf, locationOf, type TableSet, tablesOf } from './tables.ts';

export { forProcesses, forThreads } from './connection/borrowed-pools.ts';

markAs('storage', openStorage);

/** URL of this module, for the description. */
export const moduleUrl: string = siblingFile(import.meta.url, '../postgres/storage')?.href ?? 'kahn/postgres';

/** Time that an answer may take in addition to the statement time-out of the server, in ms. */
const answerMarginMs = 5_000;

/**
 * Opens the storage that `postgres()` described. Does not connect yet.
 *
 * @throws {@link InvalidOptionError} if a setting is unknown, its value does not fit, or it contradicts another option.
 * @throws {@link InvalidStorageError} if the driver is not installed, or the pool is in another thread.
 */
export async function openStorage(
  options: StorageOptions,
  writerId: string = newId(),
): Promise<OpenedStorage> {
  const settings = checkedSettings(options);
  const server = await serverOf(settings);
  const closing = new AbortController();
  const channel = channelOf(settings.schema);
  const listeners = new Set<Listener>();
  const connections = new Connections(server.pool, {
    named: server.ownsSessions,
    mayBeStandby: server.mayBeStandby,
    poolSize: server.poolSize,
    onReadOnly: () => {
      for (const one of listeners) one.reconnect();
    },
    answerTimeoutMs: Math.min(settings.statementTimeoutMs + answerMarginMs, longestTimerMs),
  });
  const serverRetry = new ServerRetry(settings.retryTimeoutMs, closing.signal);
  const location = locationOf(settings.schema, server.name);
  const subjects = subjectSet(settings.schema, location);
  const prepare = (tables: TableSet, setupTables: boolean, others?: readonly TableSet[]) =>
    serverRetry.run(tables, 'opening', () => prepareTables(connections, tables, setupTables, others));
  const { listen } = server;
  let closed: Promise<void> | undefined;
  return {
    async openRecorder({ applicationName, setupTables }) {
      const tables = tablesOf(settings.schema, applicationName, server.name);
      await prepare(applicationSet(tables), setupTables, [subjects]);
      return new PostgresRecorder({ tables, connections, serverRetry, channel, writerId });
    },
    async openSubjectKeys({ setupTables }) {
      await prepare(subjects, setupTables);
      return new PostgresSubjectKeys({ tables: subjects, connections, serverRetry });
    },
    applicationNames: () => {
      return serverRetry.run({ applicationName: '', location }, 'reading', () =>
        connections.use((query) => readApplicationNames(query, settings.schema)),
      );
    },
    ...(listen && {
      listen: async (listener) => {
        const listening = new Listener({ connect: listen, channel, writerId, listener });
        listeners.add(listening);
        await listening.started;
        return {
          async [Symbol.asyncDispose]() {
            listeners.delete(listening);
            await listening[Symbol.asyncDispose]();
          },
        };
      },
    }),
    close() {
      closing.abort();
      closed ??= server.close();
      return closed;
    },
  };
}
