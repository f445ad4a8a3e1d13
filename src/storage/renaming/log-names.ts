import type { Cause } from '../../domain/provenance.ts';
import { KahnError } from '../../util/errors.ts';
import type { StoredEvent } from '../stored-event.ts';

/** Names of the logs that storage keeps under another name than code uses. */
export class LogNames {
  readonly #recorded: ReadonlyMap<string, string>;
  readonly #current: ReadonlyMap<string, string>;

  /** @param recordedByCurrent Recorded names by the names that code uses. */
  constructor(recordedByCurrent: ReadonlyMap<string, string>) {
    this.#recorded = recordedByCurrent;
    this.#current = new Map(Array.from(recordedByCurrent, ([current, recorded]) => [recorded, current]));
  }

  /** Returns the name that storage uses. */
  recorded(current: string): string {
    return this.#recorded.get(current) ?? current;
  }

  /** Returns the name that code uses. */
  current(recorded: string): string {
    return this.#current.get(recorded) ?? recorded;
  }
}

/** Translates one name. */
export type TranslateName = (name: string) => string;

/** Returns something with an application name with the name translated; the same object if the name stays. */
export function withName<T extends { readonly applicationName: string }>(
  item: T,
  translate: TranslateName,
): T {
  const applicationName = translate(item.applicationName);
  return applicationName === item.applicationName ? item : { ...item, applicationName };
}

/** As {@link withName}, for the name of an upstream. */
export function withUpstream<T extends { readonly upstreamName: string }>(
  item: T,
  translate: TranslateName,
): T {
  const upstreamName = translate(item.upstreamName);
  return upstreamName === item.upstreamName ? item : { ...item, upstreamName };
}

/** As {@link withName}, for the cause of an event. */
export function withCauseName<E extends StoredEvent>(event: E, translate: TranslateName): E {
  const cause: Cause | undefined = event.cause && withName(event.cause, translate);
  return cause === undefined || cause === event.cause ? event : { ...event, cause };
}

/** Throws an error of a storage with the names that code uses, in its fields and its message. */
export function throwRenamed(error: unknown, names: LogNames): never {
  if (error instanceof KahnError) {
    rename(error, names, 'applicationName', 'Application ');
    rename(error, names, 'upstreamName', '');
  }
  throw error;
}

/** Replaces the name in a field, and where the message first has it after a text. */
function rename(error: KahnError, names: LogNames, field: string, before: string): void {
  const fields = error as unknown as Record<string, unknown>;
  const recorded = fields[field];
  if (typeof recorded !== 'string') return;
  const current = names.current(recorded);
  if (current === recorded) return;
  fields[field] = current;
  const { stack } = error;
  const inText = (text: string) => text.replace(`${before}'${recorded}'`, () => `${before}'${current}'`);
  error.message = inText(error.message);
  if (stack !== undefined) error.stack = inText(stack);
}
