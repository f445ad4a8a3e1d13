import type { EventPlace, StorageDescription, StoredProvenance } from 'kahn';
import { openStorage } from '../../../src/storage/storage.ts';

/** The logs of one application in pipeline 0. */
export interface PlantedLog {
  /** Where each event comes from, in order. */
  readonly events: readonly StoredProvenance[];
  /** Recorded positions by the names of the upstreams. */
  readonly positions?: Readonly<Record<string, number>>;
}

/** Records logs as they are given, whether they fit together or not. */
export async function plant(
  storage: StorageDescription,
  logs: Readonly<Record<string, PlantedLog>>,
): Promise<void> {
  const openedStorage = await openStorage(storage);
  for (const [applicationName, { events, positions = {} }] of Object.entries(logs)) {
    const recorder = await openedStorage.openRecorder({ applicationName, setupTables: true });
    const stored = events.map((provenance, i) => ({
      originatorId: applicationName,
      originatorVersion: i + 1,
      type: 'Planted',
      data: '{}',
      timestamp: 1_700_000_000_000 + i,
      ...provenance,
    }));
    await recorder.record(0, [
      { events: stored, snapshots: [] },
      ...Object.entries(positions).map(([upstreamName, position]) => ({
        events: [],
        snapshots: [],
        tracking: { upstreamName, expected: 0, position },
      })),
    ]);
    await recorder.close();
  }
  await openedStorage.close();
}

/** Provenance of an effect of a notification in pipeline 0. */
export function effectOf(applicationName: string, notificationId: number): StoredProvenance {
  return { cause: placeOf(applicationName, notificationId), correlationId: 'c' };
}

export function placeOf(applicationName: string, notificationId: number): EventPlace {
  return { applicationName, pipelineId: 0, notificationId };
}

/** Provenance of an event of a command. */
export const byCommand: StoredProvenance = { correlationId: 'c' };
