import type { Metadata, RecordedEvent } from '../../domain/provenance.ts';
import type { StoredNotification, StoredProvenance } from '../../storage/stored-event.ts';
import type { EventStore } from '../recording/event-store.ts';

/** Returns where the events that a policy makes for a notification come from, as storage keeps it. */
export function effectProvenance(
  { store, upstreamName }: { readonly store: EventStore; readonly upstreamName: string },
  { id, correlationId, metadata }: StoredNotification,
  event: RecordedEvent,
): StoredProvenance {
  const { pipelineId, carryMetadata } = store;
  const carried = carryMetadata === undefined ? metadata : encoded(store, carryMetadata(event));
  return {
    cause: { applicationName: upstreamName, pipelineId, notificationId: id },
    ...(correlationId !== undefined && { correlationId }),
    ...(carried !== undefined && { metadata: carried }),
  };
}

function encoded({ mapper }: EventStore, metadata: Metadata | undefined): string | undefined {
  return metadata === undefined ? undefined : mapper.toStoredMetadata(metadata);
}
