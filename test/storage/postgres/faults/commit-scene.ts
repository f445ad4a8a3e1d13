import { postgres } from 'kahn/postgres';
import type { ParkedChange } from '../../../../src/storage/parked.ts';
import type { PostgresOptions } from '../../../../src/storage/postgres/index.ts';
import type { ProcessEvent, Recorder, StoredCommand, Tracking } from '../../../../src/storage/recorder.ts';
import { type OpenedStorage, openStorage } from '../../../../src/storage/storage.ts';
import { connectionString, query } from '../../../support/servers/postgres.ts';
import { type Fate, PostgresProxy } from '../../../support/servers/postgres-proxy.ts';
import { freshName } from '../../../support/servers/postgres-server.ts';
import { inSession, isAppend } from './fault.ts';

/** Recorders of one application, and a proxy that forwards, cuts or delays their commits. */
export class CommitScene implements AsyncDisposable {
  readonly schema: string = freshName('test');
  readonly proxy: PostgresProxy;
  /** Number of statements sent that record. */
  sent = 0;
  /** Action of the proxy on the first, second and later statements that record. */
  fate: (time: number) => Fate = () => 'pass';
  readonly #storages: OpenedStorage[] = [];

  private constructor(proxy: PostgresProxy) {
    this.proxy = proxy;
    proxy.fate = (text) => {
      if (!isAppend(text)) return 'pass';
      this.sent += 1;
      return this.fate(this.sent);
    };
  }

  static async prepare(...fates: Fate[]): Promise<CommitScene> {
    const scene = new CommitScene(await PostgresProxy.start(connectionString));
    scene.fate = (time) => fates[time - 1] ?? 'pass';
    return scene;
  }

  async open(options: PostgresOptions = {}): Promise<Recorder> {
    const { schema, proxy } = this;
    const storage = await openStorage(postgres({ connectionString: proxy.url, schema, ...options }));
    this.#storages.push(storage);
    return storage.openRecorder({ applicationName: 'orders', setupTables: true });
  }

  /** Opens another recorder of the same application without the proxy. */
  openRival(): Promise<Recorder> {
    return this.open({ connectionString });
  }

  /**
   * Returns the recorded events, such as `a1 a2 b1`, read without kahn; first those without a place in the log, the last
   * one first. Throws if the log has a gap.
   */
  async recorded(): Promise<string> {
    const rows = await query(`select * from ${this.schema}.orders_events order by notification_id`);
    const [log] = await query(`select head, unlisted from ${this.schema}.orders_logs`);
    const unlisted = rows.filter((row) => Number(row.notification_id) < 0).length;
    const isCounted = rows.every(
      (row, i) => Number(row.notification_id) === (i < unlisted ? i - unlisted : i - unlisted + 1),
    );
    const heads = [Number(log?.head ?? 0), Number(log?.unlisted ?? 0)];
    if (!isCounted || heads[0] !== rows.length - unlisted || heads[1] !== -unlisted)
      throw new Error('The log has a gap.');
    return rows.map((row) => `${row.originator_id}${row.originator_version}`).join(' ');
  }

  /** Does the work while another session locks the log. */
  whileLocked<T>(work: () => Promise<T>): Promise<T> {
    return inSession(connectionString, async (rival) => {
      await rival.query(`begin; lock table ${this.schema}.orders_logs`);
      return work();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const storage of this.#storages) await storage.close();
    await this.proxy[Symbol.asyncDispose]();
    await query(`drop schema if exists ${this.schema} cascade`);
  }
}

/** Returns a process event with `count` events of one aggregate, from version `after + 1`. */
export function changes(originatorId: string, count = 1, after = 0): ProcessEvent {
  const events = Array.from({ length: count }, (_, index) => ({
    originatorId,
    originatorVersion: after + index + 1,
    type: 'Changed',
    data: '{}',
    timestamp: 1_700_000_000_000,
  }));
  return { events, snapshots: [] };
}

/** Returns the same process event with events that have no place in the log. */
export function unlisted(processEvent: ProcessEvent): ProcessEvent {
  return { ...processEvent, events: processEvent.events.map((event) => ({ ...event, notifiable: false })) };
}

/** Returns a command with a key. */
export function keyed(key: string): { readonly command: StoredCommand } {
  return { command: { key, timestamp: 5, fingerprint: 'of the command', outcome: '{}' } };
}

/** Returns a move of the position in the log of `up`. */
export function moved(expected: number, position: number): { readonly tracking: Tracking } {
  return { tracking: { upstreamName: 'up', expected, position } };
}

/** Returns a change that parks a notification, changes it or deletes it. */
export function parks(notificationId: number, expected: number, isKept = true): ParkedChange {
  const content = { originatorId: 'a', isDue: false, attempts: expected, since: 0, reason: '{}' };
  return { upstreamName: 'up', notificationId, expected, content: isKept ? content : undefined };
}
