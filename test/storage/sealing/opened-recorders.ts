import type { EncryptionOptions, StorageDescription } from 'kahn';
import { openStorage, type Recorder, type StoredEvent, type StoredSnapshot } from 'kahn/storage';
import { onTestFinished } from 'vitest';
import { type SealingOptions, sealing } from '../../../src/storage/sealing/sealed-storage.ts';
import type { StorageLayer } from '../../../src/storage/storage.ts';
import { ringOf } from './layers.ts';

/** Encryption that reads encrypted texts only. */
export const strict: EncryptionOptions = { keys: () => ringOf(2), acceptPlainText: false };

/** Opens the recorder of an application until the end of the test. */
export async function recorderOf(
  storage: StorageDescription,
  layers: readonly StorageLayer[],
  applicationName = 'orders',
): Promise<Recorder> {
  const opened = await openStorage(storage, { layers });
  onTestFinished(() => opened.close());
  const recorder = await opened.openRecorder({ applicationName, setupTables: true });
  onTestFinished(() => recorder.close());
  return recorder;
}

/** Opens a recorder that encrypts or compresses. */
export function sealedRecorder(
  storage: StorageDescription,
  options: SealingOptions,
  applicationName?: string,
): Promise<Recorder> {
  return recorderOf(storage, [sealing(options)], applicationName);
}

/** Creates an event. */
export function eventOf(originatorVersion: number, data: string, metadata?: string): StoredEvent {
  const event = { originatorId: 'a', originatorVersion, type: 'Order.Changed', data, timestamp: 1_000 };
  return metadata === undefined ? event : { ...event, metadata };
}

/** Creates a snapshot. */
export function snapshotOf(originatorVersion: number, state: string): StoredSnapshot {
  return { originatorId: 'a', originatorVersion, schema: 1, state };
}
