import type { StoredEvent } from '../../storage/stored-event.ts';
import { hash } from '../../util/environment/hash.ts';

/** Hashes what identifies an update: the aggregate, and the data that the caller gives. */
export function fingerprintOfUpdate(id: string, request: string | undefined): string {
  return digest(['update', id, request]);
}

/**
 * Hashes what a save records: the data that the caller gives or else, for each event, its aggregate, its type and its
 * data. Times do not count. An aggregate that the save creates is identified by its rank, in the data of all events, too:
 * a client that sends a request again makes it with another id. Personal data counts as it is sealed: equal data is sealed
 * equally, and the hash tells nothing about it once its key is gone.
 */
export function fingerprintOfSave(events: readonly StoredEvent[], request: string | undefined): string {
  if (request !== undefined) return digest(['save', request]);
  const ranks = new Map<string, string>();
  for (const { originatorId, originatorVersion } of events)
    if (originatorVersion === 1) ranks.set(JSON.stringify(originatorId), `#${ranks.size}`);
  const content = events.map(({ originatorId, type, data }) => {
    const id = JSON.stringify(originatorId);
    return [ranks.get(id) ?? id, type, withRanks(data, ranks)];
  });
  return digest(['save', content]);
}

/** Hashes what identifies recorded events, and no others with equal data. */
export function digestOfEvents(events: readonly StoredEvent[]): string {
  return digest(events.map((event) => [event.originatorId, event.originatorVersion, event.timestamp]));
}

/** Replaces ids in JSON. */
function withRanks(json: string, ranks: ReadonlyMap<string, string>): string {
  if (ranks.size === 0) return json;
  return json.replaceAll(/"(?:[^"\\]|\\.)*"/g, (text) => ranks.get(text) ?? text);
}

function digest(content: unknown): string {
  return hash('sha256', JSON.stringify(content), 'base64url');
}
