// Process forked by tests of this folder: `child.ts <task> <layout> <directory>`.

import { join } from 'node:path';
import type { ProcessEvent, Recorder } from '../../../src/storage/recorder.ts';
import { sqlite } from '../../../src/storage/sqlite/index.ts';
import { type OpenedStorage, openStorage } from '../../../src/storage/storage.ts';

export type Message = 'ready' | 'done' | { acknowledged: number } | { code: string; message: string };

const [task = '', layout = '', directory = ''] = process.argv.slice(2);

const tasks: Record<string, (directory: string) => Promise<void>> = {
  open,
  openMany,
  recordForever,
  recordShared,
  addKeys,
  upgrade,
};

async function openLayout(directory: string): Promise<OpenedStorage> {
  const place = layout === 'file' ? { file: join(directory, 'shop.db') } : { directory };
  return openStorage(sqlite({ ...place, synchronous: 'NORMAL' }));
}

async function openRecorder(directory: string, applicationName: string): Promise<Recorder> {
  const storage = await openLayout(directory);
  return storage.openRecorder({ applicationName, setupTables: true });
}

/** Opens a recorder as a user with limited permissions. */
async function open(directory: string): Promise<void> {
  if (process.getuid?.() === 0) process.setuid?.(65_534);
  await (await openRecorder(directory, 'orders')).close();
}

/** Sets up several applications, at the same time as other processes. */
async function openMany(directory: string): Promise<void> {
  for (let number = 0; number < 30; number += 1) {
    const recorder = await openRecorder(directory, `application-${number}`);
    await recorder.record(0, [{ events: [event(`${process.pid}`, 1)], snapshots: [] }]);
    if (number % 2 === 0) await recorder.close();
  }
}

/** Records calls of 50 process events of 3 events each, and acknowledges the position after each. */
async function recordForever(directory: string): Promise<void> {
  const recorder = await openRecorder(directory, 'orders');
  for (let position = (await recorder.position(0, 'up')).position; ; position += 50) {
    const batch = Array.from({ length: 50 }, (_, index) => numbered(position + index));
    await recorder.record(0, batch);
    send({ acknowledged: position + 50 });
    await new Promise(setImmediate); // so that the message is sent
  }
}

function numbered(expected: number): ProcessEvent {
  const events = [1, 2, 3].map((version) => event(`${expected + 1}`, version));
  return { events, snapshots: [], tracking: { upstreamName: 'up', expected, position: expected + 1 } };
}

/** Records 300 process events in a log that other processes write as well. */
async function recordShared(directory: string): Promise<void> {
  const recorder = await openRecorder(directory, 'orders');
  for (let version = 1; version < 600; version += 2) {
    const events = [event(`${process.pid}`, version), event(`${process.pid}`, version + 1)];
    await recorder.record(0, [{ events, snapshots: [] }]);
  }
  await recorder.close();
}

/** Adds and deletes keys of subjects, at the same time as other processes. */
async function addKeys(directory: string): Promise<void> {
  const keys = await (await openLayout(directory)).openSubjectKeys!({ setupTables: true });
  for (let number = 0; number < 40; number += 1) {
    const subject = `subject ${number}`;
    const [entry] = await keys.add([{ subject, key: `key of ${number} by ${process.pid}` }]);
    const [found] = await keys.read([subject]);
    const isSame = found?.key === undefined || found.key === entry?.key; // another process may have deleted it
    if (!isSame) throw new Error(`There are two keys: ${entry?.key} and ${found?.key}.`);
    await keys.delete(subject, number);
  }
  await keys.close();
}

/** Opens the applications of a shop that an earlier release wrote, and records an event in each. */
async function upgrade(directory: string): Promise<void> {
  for (const name of ['orders', 'reservations', 'payments']) {
    const recorder = await openRecorder(directory, name);
    await recorder.record(0, [{ events: [event(`${process.pid}`, 1)], snapshots: [] }]);
    await recorder.close();
  }
}

function event(originatorId: string, originatorVersion: number): ProcessEvent['events'][number] {
  return { originatorId, originatorVersion, type: 'Changed', data: '{"some":"data"}', timestamp: Date.now() };
}

function send(message: Message): void {
  process.send?.(message);
}

process.once('message', () => {
  tasks[task]?.(directory)
    .then(
      () => send('done'),
      ({ code, message }) => send({ code, message }),
    )
    .finally(() => process.disconnect());
});
send('ready');
