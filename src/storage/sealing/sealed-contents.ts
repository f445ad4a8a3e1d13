import { performance } from 'node:perf_hooks';
import { yieldIfDue } from '../../util/yield-to-event-loop.ts';
import type { ParkedChange, ParkedNotification } from '../parked.ts';
import type { ProcessEvent, StoredCommand, StoredOperation, Tracking } from '../recorder.ts';
import type { StoredEvent, StoredSnapshot } from '../stored-event.ts';
import {
  placeInCommand,
  placeInOperation,
  placeOfData,
  placeOfMark,
  placeOfMetadata,
  placeOfParkedReason,
  placeOfState,
  type TextPlace,
} from './place.ts';
import { isEncrypted, type TextSeal } from './text-seal.ts';

/** Seals a text for its place, or opens it. */
export type ConvertText = (text: string, place: TextPlace) => string | Promise<string>;

/**
 * Converts the texts of an event. Returns no promise if its texts can be converted at once, because awaiting each of
 * many events takes longer than reading them.
 */
export function convertEvent<E extends StoredEvent>(event: E, convert: ConvertText): E | Promise<E> {
  const data = convert(event.data, placeOfData(event));
  const metadata = event.metadata === undefined ? undefined : convert(event.metadata, placeOfMetadata(event));
  if (typeof data === 'string' && typeof metadata !== 'object') return withTexts(event, data, metadata);
  return Promise.all([data, metadata]).then(([newData, newMetadata]) =>
    withTexts(event, newData, newMetadata),
  );
}

function withTexts<E extends StoredEvent>(event: E, data: string, metadata: string | undefined): E {
  if (data === event.data && metadata === event.metadata) return event;
  return metadata === undefined ? { ...event, data } : { ...event, data, metadata };
}

/** Converts the state of a snapshot. */
export function convertSnapshot(
  snapshot: StoredSnapshot,
  convert: ConvertText,
): StoredSnapshot | Promise<StoredSnapshot> {
  const state = convert(snapshot.state, placeOfState(snapshot));
  if (state === snapshot.state) return snapshot;
  return typeof state === 'string'
    ? { ...snapshot, state }
    : state.then((newState) => ({ ...snapshot, state: newState }));
}

/** Converts items one after the other. Yields to timers, signals and input in between when this thread is busy. */
export async function convertAll<T extends object>(
  items: readonly T[],
  convert: (item: T) => T | Promise<T>,
): Promise<readonly T[]> {
  const results: T[] = [];
  for (const item of items) {
    const result = convert(item);
    results.push(result instanceof Promise ? await result : result);
    const turn = yieldIfDue(performance.now());
    if (turn !== undefined) await turn;
  }
  return results;
}

/** Seals all texts of a process event. */
export async function sealProcessEvent(
  seal: TextSeal,
  pipelineId: number,
  processEvent: ProcessEvent,
): Promise<ProcessEvent> {
  const { tracking, operation, command, parked } = processEvent;
  const events = await convertAll(processEvent.events, (event) => convertEvent(event, seal.seal));
  const snapshots = await convertAll(processEvent.snapshots, (one) => convertSnapshot(one, seal.seal));
  return {
    events,
    snapshots,
    ...(tracking && { tracking: new SealedTracking(seal, pipelineId, tracking) }),
    ...(operation && { operation: await sealOperation(seal, operation) }),
    ...(command && { command: await sealCommand(seal, command) }),
    ...(parked && { parked: await convertAll(parked, (change) => sealParked(seal, pipelineId, change)) }),
  };
}

async function sealOperation(seal: TextSeal, operation: StoredOperation): Promise<StoredOperation> {
  return {
    ...operation,
    by: seal.sealShort(operation.by, placeInOperation('by', operation)),
    reason: seal.sealShort(operation.reason, placeInOperation('reason', operation)),
    details: await seal.seal(operation.details, placeInOperation('details', operation)),
  };
}

/** Opens the texts of an operation. Its details tell whether the other texts are encrypted, which may be any text. */
export async function openOperation<O extends StoredOperation>(seal: TextSeal, operation: O): Promise<O> {
  const details = await seal.open(operation.details, placeInOperation('details', operation));
  if (!isEncrypted(operation.details)) return { ...operation, details };
  return {
    ...operation,
    by: await seal.open(operation.by, placeInOperation('by', operation)),
    reason: await seal.open(operation.reason, placeInOperation('reason', operation)),
    details,
  };
}

async function sealCommand(seal: TextSeal, command: StoredCommand): Promise<StoredCommand> {
  return {
    ...command,
    fingerprint: seal.sealShort(command.fingerprint, placeInCommand('fingerprint', command)),
    outcome: await seal.seal(command.outcome, placeInCommand('outcome', command)),
  };
}

/** Opens the texts of a command. Its outcome tells whether its fingerprint is encrypted. */
export async function openCommand(seal: TextSeal, command: StoredCommand): Promise<StoredCommand> {
  const outcome = await seal.open(command.outcome, placeInCommand('outcome', command));
  if (!isEncrypted(command.outcome)) return { ...command, outcome };
  const place = placeInCommand('fingerprint', command);
  return { ...command, fingerprint: await seal.open(command.fingerprint, place), outcome };
}

async function sealParked(seal: TextSeal, pipelineId: number, change: ParkedChange): Promise<ParkedChange> {
  const { content } = change;
  if (content === undefined) return change;
  const reason = await seal.seal(content.reason, placeOfParkedReason(pipelineId, change, content));
  return { ...change, content: { ...content, reason } };
}

/** Opens the reason of a parked notification. */
export async function openParked(
  seal: TextSeal,
  pipelineId: number,
  parked: ParkedNotification,
): Promise<ParkedNotification> {
  const reason = await seal.open(parked.reason, placeOfParkedReason(pipelineId, parked, parked));
  return { ...parked, reason };
}

/** Moves a position with an encrypted mark, which is computed when a storage reads it. */
class SealedTracking implements Tracking {
  readonly upstreamName: string;
  readonly expected: number;
  readonly position: number;
  readonly typesVersion: number;
  readonly #seal: TextSeal;
  readonly #pipelineId: number;
  readonly #tracking: Tracking;

  constructor(seal: TextSeal, pipelineId: number, tracking: Tracking) {
    const { upstreamName, expected, position, typesVersion = 0 } = tracking;
    this.upstreamName = upstreamName;
    this.expected = expected;
    this.position = position;
    this.typesVersion = typesVersion;
    this.#seal = seal;
    this.#pipelineId = pipelineId;
    this.#tracking = tracking;
  }

  get mark(): string | undefined {
    const { mark } = this.#tracking;
    return mark && this.#seal.sealShort(mark, placeOfMark(this.#pipelineId, this.upstreamName));
  }
}
