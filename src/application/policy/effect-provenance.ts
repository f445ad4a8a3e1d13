import type { Metadata, Provenance, RecordedEvent } from '../../domain/provenance.ts';
import type { StoredNotification, StoredProvenance } from '../../storage/stored-event.ts';
import { kindOf } from '../../util/errors.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import type { EventStore } from '../recording/event-store.ts';
import { isPlainObject } from '../recording/save-options.ts';

/** Returns where the events that a policy makes for a notification come from, as storage keeps it. */
export function effectProvenance(
  { store, upstreamName }: { readonly store: EventStore; readonly upstreamName: string },
  { id, correlationId, metadata }: StoredNotification,
  event: RecordedEvent,
): StoredProvenance {
  const { pipelineId, carryMetadata } = store;
  const carried = carryMetadata === undefined ? metadata : encoded(store, carryMetadata(event));
  const cause = { applicationName: upstreamName, pipelineId, notificationId: id };
  if (carried !== undefined) {
    return correlationId === undefined
      ? { cause, metadata: carried }
      : { cause, correlationId, metadata: carried };
  }
  return correlationId === undefined ? { cause } : { cause, correlationId };
}

/** Returns where events come from, as it is read after they are recorded. */
export function decodedProvenance(
  { mapper }: EventStore,
  { cause, correlationId, metadata }: StoredProvenance,
): Provenance {
  return {
    ...(cause && { cause: Object.freeze(cause) }),
    ...(correlationId !== undefined && { correlationId }),
    ...(metadata !== undefined && { metadata: mapper.toMetadata(metadata) }),
  };
}

/** Encodes what `carryMetadata` returned, under the rules of `save()`. */
function encoded({ mapper }: EventStore, metadata: Metadata | undefined): string | undefined {
  if (metadata === undefined) return undefined;
  if (isPlainObject(metadata)) return mapper.toStoredMetadata(metadata);
  const kind = kindOf(metadata);
  throw new InvalidArgumentError(
    `Expected carryMetadata to return a plain object or undefined, got ${kind === 'an object' ? 'an instance of a class' : kind}.`,
  );
}
