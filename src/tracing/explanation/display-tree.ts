import { versionedTypeOf } from '../../domain/events/stored-type.ts';
import type { Origin } from './cause-chain.ts';
import type { Cut } from './effect-tree.ts';
import type { ExplanationData } from './explanation-data.ts';
import {
  type EventPlace,
  type ParkedBy,
  placeKey,
  type TracedEffect,
  type TracedEvent,
} from './traced-event.ts';

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
  const { effects, unprocessedBy, parkedBy } = event;
  const cuts = cutsByCause.get(placeKey(event)) ?? [];
  const waiting = unprocessedBy.length > 0 ? [`not processed yet by ${unprocessedBy.join(', ')}`] : [];
  return {
    label: placeName(event),
    event,
    children: [
      ...effects.map((effect) => effectNode(effect, cutsByCause)),
      ...cuts.map((cut) => remark(cutText(cut))),
      ...parkedBy.map(parkedRemark),
      ...waiting.map((label) => remark(label)),
    ],
  };
}

function remark(label: string, ...more: readonly string[]): DisplayNode {
  return { label, children: more.map((text) => remark(text)) };
}

/** Says who has parked an event, and below that why. */
function parkedRemark({ applicationName, since, attempts, error, behind }: ParkedBy): DisplayNode {
  const tries = attempts === 0 ? '' : ` after ${attempts} ${attempts === 1 ? 'try' : 'tries'}`;
  const parked = `parked by ${applicationName} since ${new Date(since).toISOString()}${tries}`;
  if (error !== undefined) return remark(parked, shortened(`${error.name}: ${error.message}`));
  return behind === undefined
    ? remark(parked)
    : remark(`${parked}, behind ${behind.upstreamName} ${behind.notificationId}`);
}

/** Longest reason in a remark, in characters: the first line of an error. */
const longestReason = 70;

function shortened(text: string): string {
  const [line = ''] = text.split('\n', 1);
  return line.length > longestReason || line !== text ? `${line.slice(0, longestReason)}…` : line;
}

function cutText({ reason, applicationName, count }: Cut): string {
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
    unreachable: `${place}, unreachable: the other system cannot be asked now`,
    missing: `${place}, missing: its log has no such event`,
    repeated: `${place}, already below: the recorded causes are damaged`,
    cut: `… ${place} and its causes, higher than the tree`,
  };
  const label = kind === 'command' || kind === 'unrecorded' ? place : labels[kind];
  return { label, children: [root] };
}
