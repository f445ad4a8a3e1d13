import type { EffectRun } from './effect-run.ts';
import { fairShares } from './fair-shares.ts';
import type { RecordedLogs } from './recorded-logs.ts';
import {
  type EventPlace,
  type ParkedBy,
  placeKey,
  type TracedEffect,
  type TracedEvent,
} from './traced-event.ts';

/** Effects that a tree leaves out. */
export interface Cut {
  /**
   * Why: `depth` and `breadth` are options; `repeated` events are in the tree already, because causes are damaged;
   * `missing` events are lost: the log has a gap there.
   */
  readonly reason: 'depth' | 'breadth' | 'repeated' | 'missing';
  /** The event whose effects are left out. */
  readonly cause: EventPlace;
  /** Name of the application that recorded the effects. */
  readonly applicationName: string;
  /** Number of direct effects that are left out; what followed from them is not counted. */
  readonly count: number;
}

export interface TreeBounds {
  readonly depth: number;
  readonly breadth: number;
}

interface GrowingEffect extends TracedEvent {
  readonly effects: GrowingEffect[];
  readonly unprocessedBy: readonly string[];
  readonly parkedBy: readonly ParkedBy[];
}

/** Effects of an event in one follower. */
interface Branch extends EffectRun {
  readonly cause: GrowingEffect;
  readonly applicationName: string;
}

/** An event with everything that followed from it, and what is left out. */
export interface EffectTree {
  readonly event: TracedEffect;
  readonly cuts: readonly Cut[];
}

/** Reads what followed from an event, level by level. */
export async function effectTree(
  logs: RecordedLogs,
  event: TracedEvent,
  { depth, breadth }: TreeBounds,
): Promise<EffectTree> {
  const root = await growing(logs, event);
  const cuts: Cut[] = [];
  const seen = new Set([placeKey(root)]);
  let level: readonly GrowingEffect[] = [root];
  for (let levels = 0; level.length > 0; levels += 1) {
    const branches = await branchesOf(logs, level);
    const isDeepest = levels === depth;
    const shares = fairShares(
      branches.map(({ count }) => count),
      isDeepest ? 0 : breadth,
    );
    const next: GrowingEffect[] = [];
    for (const [i, branch] of branches.entries()) {
      const share = shares[i] ?? 0;
      const { grown, repeated } = await grow(logs, branch, share, seen);
      for (const effect of grown) next.push(effect); // may be more than a call takes arguments
      cuts.push(
        ...cutOf(branch, isDeepest ? 'depth' : 'breadth', branch.count - share),
        ...cutOf(branch, 'repeated', repeated),
        ...cutOf(branch, 'missing', share - grown.length - repeated),
      );
    }
    level = next;
  }
  return { event: root, cuts };
}

/** Finds the effects of the events of one level. */
async function branchesOf(logs: RecordedLogs, level: readonly GrowingEffect[]): Promise<readonly Branch[]> {
  const branches: Branch[] = [];
  for (const cause of level) {
    for (const { applicationName, position } of logs.followersOf(cause)) {
      const isParked = cause.parkedBy.some((one) => one.applicationName === applicationName);
      if (isParked || position < cause.notificationId) continue;
      const run = await logs.effectsIn(applicationName, cause);
      if (run !== undefined) branches.push({ cause, applicationName, ...run });
    }
  }
  return branches;
}

/** Reads the first effects of a branch and adds those that are new to the tree. */
async function grow(
  logs: RecordedLogs,
  { cause, applicationName, first }: Branch,
  share: number,
  seen: Set<string>,
): Promise<{ readonly grown: readonly GrowingEffect[]; readonly repeated: number }> {
  if (share === 0) return { grown: [], repeated: 0 };
  const { pipelineId } = cause;
  const events = await logs.readRun({ applicationName, pipelineId, notificationId: first }, share);
  const added = await Promise.all(
    events.filter((event) => !seen.has(placeKey(event))).map((event) => growing(logs, event)),
  );
  for (const effect of added) {
    seen.add(placeKey(effect));
    cause.effects.push(effect);
  }
  return { grown: added, repeated: events.length - added.length };
}

async function growing(logs: RecordedLogs, event: TracedEvent): Promise<GrowingEffect> {
  const parkedBy = await logs.parkedBy(event);
  return { ...event, effects: [], unprocessedBy: logs.unprocessedBy(event), parkedBy };
}

function cutOf({ cause, applicationName }: Branch, reason: Cut['reason'], count: number): readonly Cut[] {
  if (count === 0) return [];
  const { applicationName: causeName, pipelineId, notificationId } = cause;
  return [
    { reason, cause: { applicationName: causeName, pipelineId, notificationId }, applicationName, count },
  ];
}
