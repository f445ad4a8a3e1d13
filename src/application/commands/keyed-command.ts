import { KeyConflictError, RecordConflictError, StorageError } from '../../storage/errors.ts';
import { assertRecordable } from '../../storage/limits.ts';
import type { StoredEvent } from '../../storage/stored-event.ts';
import { now } from '../../util/time.ts';
import type { Commits } from '../recording/commit-queue.ts';
import type { EventStore, PreparedEvents } from '../recording/event-store.ts';
import type { FirstOutcome, KeyedSave, Repetition } from '../recording/save-aggregates.ts';
import { encoded, type SaveOptions } from '../recording/save-options.ts';
import { IdempotencyKeyReusedError, KeysUnsupportedError } from './errors.ts';
import { digestOfEvents, fingerprintOfSave, fingerprintOfUpdate } from './fingerprint.ts';
import { outcomeText, type RecordedOutcome, recordedOutcome } from './outcome.ts';

/** Most submissions of a save whose key is found in use, and expires before its outcome is read. */
const maxSubmissions = 10;

/** A command with an idempotency key, in one application. */
export interface KeyedCommand {
  readonly store: EventStore;
  readonly key: string;
  readonly correlationId: string;
  /** Data that identifies the request, encoded as text. */
  readonly request: string | undefined;
  /** Id of the aggregate of an update; undefined for a save. */
  readonly updatedId?: string;
}

/**
 * Returns the command with the key of the options; undefined if they have none.
 *
 * @param method Name of the method, for messages.
 * @throws {@link KeysUnsupportedError} if the storage keeps no keys.
 * @throws {@link InvalidArgumentError} if the request cannot be restored exactly.
 */
export function keyedCommand(
  { idempotencyKey: key, request }: SaveOptions,
  store: EventStore,
  correlationId: string,
  method: string,
): KeyedCommand | undefined {
  if (key === undefined) return undefined;
  const { applicationName, recorder, mapper } = store;
  if (recorder.command === undefined) throw new KeysUnsupportedError(applicationName);
  const encode = () => mapper.toStoredState(request);
  const text = request === undefined ? undefined : encoded(encode, applicationName, `request of ${method}`);
  return { store, key, correlationId, request: text };
}

/**
 * Reads the outcome of the first command with a key; undefined if there is none.
 *
 * @param fingerprint Fingerprint of this command; undefined if it has nothing to record, and fits every command.
 * @throws {@link IdempotencyKeyReusedError} if the first command has another fingerprint.
 */
export async function firstOutcome(
  { store, key }: KeyedCommand,
  fingerprint: string | undefined,
): Promise<RecordedOutcome | undefined> {
  const command = await store.recorder.command?.(key);
  if (command === undefined) return undefined;
  if (fingerprint !== undefined && fingerprint !== command.fingerprint)
    throw new IdempotencyKeyReusedError(store.applicationName, command);
  return await recordedOutcome(command, store);
}

/** Returns the fingerprint of a command that records events. */
export function fingerprintOf(
  { request, updatedId }: KeyedCommand,
  events: readonly StoredEvent[] = [],
): string {
  return updatedId === undefined
    ? fingerprintOfSave(events, request)
    : fingerprintOfUpdate(updatedId, request);
}

/** The save of a command with a key. */
export class OnceRecordedSave implements KeyedSave {
  readonly #command: KeyedCommand;
  readonly #result: string | undefined;
  /** The outcome of an earlier command with the key, if the save is a repetition. */
  first: FirstOutcome | undefined;

  /** @param result What the command returns, encoded as text. */
  constructor(command: KeyedCommand, result?: string) {
    this.#command = command;
    this.#result = result;
  }

  withKey(prepared: PreparedEvents): PreparedEvents {
    const { store, key, correlationId } = this.#command;
    const fingerprint = fingerprintOf(this.#command, prepared.processEvent.events);
    const outcome = outcomeText(prepared, store, correlationId, this.#result);
    const command = { key, timestamp: now(), fingerprint, outcome };
    const processEvent = { ...prepared.processEvent, command };
    return { ...prepared, processEvent, size: assertRecordable(store.applicationName, processEvent) };
  }

  /** An update reads the key before it calls its function, so it is submitted without reading the key again. */
  async submit(prepared: PreparedEvents, queue: Commits): Promise<Repetition | undefined> {
    let first = this.#command.updatedId === undefined ? await this.#first(prepared) : undefined;
    for (let submissions = 1; first === undefined; submissions += 1) {
      try {
        await queue.submit(prepared);
        return undefined;
      } catch (error) {
        first = await this.#firstAfter(error, prepared);
        const mayRepeat = error instanceof KeyConflictError && submissions < maxSubmissions;
        if (first === undefined && !mayRepeat) throw error;
      }
    }
    this.first = first;
    return await this.#repetitionOf(first, prepared.processEvent.events);
  }

  #first({ processEvent }: PreparedEvents): Promise<RecordedOutcome | undefined> {
    const { request, updatedId } = this.#command;
    const isEmpty = processEvent.events.length === 0 && request === undefined && updatedId === undefined;
    return firstOutcome(this.#command, isEmpty ? undefined : processEvent.command?.fingerprint);
  }

  /** Reads the first outcome after an error that it may have caused, or that leaves open whether this save is recorded. */
  async #firstAfter(error: unknown, prepared: PreparedEvents): Promise<RecordedOutcome | undefined> {
    if (error instanceof KeyConflictError || error instanceof RecordConflictError)
      return await this.#first(prepared);
    if (!(error instanceof StorageError && error.code === 'STORAGE_OUTCOME_UNKNOWN')) return undefined;
    try {
      return await this.#first(prepared);
    } catch (failure) {
      if (failure instanceof StorageError) return undefined; // the first error is the one to report
      throw failure;
    }
  }

  async #repetitionOf(first: RecordedOutcome, events: readonly StoredEvent[]): Promise<Repetition> {
    const { store, key } = this.#command;
    const created = events.filter(({ originatorVersion }) => originatorVersion === 1);
    const places = created.length === 0 ? [] : await store.recorder.locate(created);
    const unrecorded = created.filter((_, i) => places[i] === undefined);
    return {
      ...first,
      key,
      isSame: first.events === digestOfEvents(events),
      unrecorded: new Set(unrecorded.map(({ originatorId }) => originatorId)),
    };
  }
}
