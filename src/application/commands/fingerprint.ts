import { parseJson } from '../../storage/codec/parse-json.ts';
import { personalTag, tagKey } from '../../storage/codec/tags.ts';
import type { StoredEvent } from '../../storage/stored-event.ts';
import { hash } from '../../util/environment/hash.ts';

/** Ranks of the aggregates that a save creates, by their ids. */
type Ranks = ReadonlyMap<string, number>;

const noRanks: Ranks = new Map();

/** Hashes what identifies an update: the aggregate, and the data that the caller gives. */
export function fingerprintOfUpdate(id: string, request: string | undefined): string {
  return digest(['update', id, request === undefined ? [] : [compared(request, noRanks)]]);
}

/**
 * Hashes what a save records: the data that the caller gives or else, for each event, its aggregate, its type and its
 * data. Times and the order of fields do not count. An aggregate that the save creates is identified by its rank, in the
 * data of all events, too: a client that sends a request again makes it with another id. Personal data counts as it is
 * sealed: equal data is sealed equally, and the hash tells nothing about it once its key is gone. If its subject is an
 * aggregate that the save creates, its content does not count: another id has another key.
 */
export function fingerprintOfSave(events: readonly StoredEvent[], request: string | undefined): string {
  if (request !== undefined) return digest(['save', 'request', compared(request, noRanks)]);
  const ranks = new Map<string, number>();
  for (const { originatorId, originatorVersion } of events)
    if (originatorVersion === 1) ranks.set(originatorId, ranks.size);
  const content = events.map(({ originatorId, type, data }) => [
    withRanks(originatorId, ranks),
    type,
    compared(data, ranks),
  ]);
  return digest(['save', content]);
}

/** Hashes what identifies recorded events, and no others with equal data. */
export function digestOfEvents(events: readonly StoredEvent[]): string {
  return digest(events.map((event) => [event.originatorId, event.originatorVersion, event.timestamp]));
}

/** Returns what is compared of data that is given as text. */
function compared(text: string, ranks: Ranks): unknown {
  return withRanks(parseJson(text), ranks);
}

/** Returns JSON data with its fields in order, and with ranks in place of ids. */
function withRanks(value: unknown, ranks: Ranks): unknown {
  if (typeof value === 'string') return ranks.has(value) ? { rank: ranks.get(value) } : value;
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => withRanks(item, ranks));
  const { [tagKey]: tag, value: sealed } = value as Readonly<Record<string, unknown>>;
  if (tag === personalTag && Array.isArray(sealed) && ranks.has(sealed[0] as string))
    return { personal: withRanks(sealed[0], ranks) };
  const fields: (readonly [name: string, field: unknown])[] = [];
  for (const [name, field] of Object.entries(value))
    fields.push([JSON.stringify(withRanks(name, ranks)), withRanks(field, ranks)]);
  return { fields: fields.sort(([one], [other]) => (one < other ? -1 : 1)).flat(1) };
}

function digest(content: unknown): string {
  return hash('sha256', JSON.stringify(content), 'base64url');
}
