import { versionedTypeOf } from '../../domain/events/stored-type.ts';
import type { Origin } from './cause-chain.ts';
import type { Cut } from './effect-tree.ts';
import type { ExplanationData } from './explanation-data.ts';
import { type EventPlace, placeKey, type TracedEffect, type TracedEvent } from './traced-event.ts';

/** An event or a remark in the picture of an explanation. */
export interface DisplayNode {
  /** Place of the event, or the whole remark. */
  readonly label: string;
  /** The event; undefined for a remark. */
  readonly event?: TracedEvent;
  /** Where the first event comes from. */
  readonly note?: string;
  readonly isExplained?: boolean;
  readonly children: readonly DisplayNode[];
}

/** The picture of an explanation, from its first cause down. */
export interface DisplayTree {
  readonly root: DisplayNode;
  /** Time of the first event, in ms since 1970. */
  readonly start: number;
  readonly correlationId: string | undefined;
}

/** Returns the causes, the event and its effects as one tree with remarks on what is not in it. */
export function displayTree({ event, causes, origin, cuts }: ExplanationData): DisplayTree {
  const cutsByCause = Map.groupBy(cuts, ({ cause }) => placeKey(cause));
  const first = causes.at(-1) ?? event;
  let root: DisplayNode = { ...effectNode(event, cutsByCause), isExplained: true };
  for (const cause of causes) root = { label: placeName(cause), event: cause, children: [root] };
  return {
    root: withOrigin(root, origin),
    start: first.timestamp,
    correlationId: event.correlationId,
  };
}

/** Returns the name of a place, such as "orders 7"; names the pipeline unless it is 0. */
export function placeName({ applicationName, pipelineId, notificationId }: EventPlace): string {
  const pipeline = pipelineId === 0 ? '' : ` (pipeline ${pipelineId})`;
  return `${applicationName}${pipeline} ${notificationId}`;
}

/** Returns the type of an event as recorded, and as what it is read if that has another name. */
export function typeText({ type, readAs = [type] }: TracedEvent): string {
  if (readAs.length === 0) return `${type} (dropped)`;
  const hasOneName = readAs.every((name) => versionedTypeOf(type).name === name);
  return hasOneName && readAs.length === 1 ? type : `${type} (read as ${readAs.join(', ')})`;
}

function effectNode(event: TracedEffect, cutsByCause: ReadonlyMap<string, readonly Cut[]>): DisplayNode {
  const { effects, unprocessedBy } = event;
  const remarks = (cutsByCause.get(placeKey(event)) ?? []).map(cutRemark);
  if (unprocessedBy.length > 0) remarks.push(`not processed yet by ${unprocessedBy.join(', ')}`);
  return {
    label: placeName(event),
    event,
    children: [
      ...effects.map((effect) => effectNode(effect, cutsByCause)),
      ...remarks.map((label) => ({ label, children: [] })),
    ],
  };
}

function cutRemark({ reason, applicationName, count }: Cut): string {
  const effects = `${count} ${reason === 'breadth' ? 'more ' : ''}effect${count === 1 ? '' : 's'} in ${applicationName}`;
  if (reason === 'breadth') return `… ${effects}`;
  if (reason === 'depth') return `… ${effects}, deeper than the tree`;
  if (reason === 'missing') return `… ${effects}, missing: the log has a gap there`;
  return `… ${effects}, already in the tree: the recorded causes are damaged`;
}

function withOrigin(root: DisplayNode, { kind, next }: Origin): DisplayNode {
  if (next === undefined)
    return { ...root, note: kind === 'command' ? 'by a command' : 'cause not recorded' };
  const place = placeName(next);
  const labels: Record<Exclude<Origin['kind'], 'command' | 'unrecorded'>, string> = {
    elsewhere: `${place}, elsewhere: not in this storage`,
    missing: `${place}, missing: its log has no such event`,
    repeated: `${place}, already below: the recorded causes are damaged`,
    cut: `… ${place} and its causes, higher than the tree`,
  };
  const label = kind === 'command' || kind === 'unrecorded' ? place : labels[kind];
  return { label, children: [root] };
}
