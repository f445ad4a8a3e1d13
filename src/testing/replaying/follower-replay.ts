import { mayHandle } from '../../application/policy/policy-batch.ts';
import type { ReadEvent } from '../../domain/events/split-event.ts';
import type { Recorder } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { errorLine } from './error-line.ts';
import { compareEvents } from './event-comparison.ts';
import { type PastOutcome, type PastPolicy, runInPast } from './past-run.ts';
import type { Moment } from './past-storage.ts';
import { eventLine, type PolicyReplay, pairLines, type ReplayDifference } from './policy-replay.ts';
import { RecordedGroups } from './recorded-groups.ts';
import { unhandledOf } from './unhandled.ts';

/** A policy, the log that it follows, and where the results go. */
export interface ReplayedFollower extends PastPolicy {
  readonly pipelineId: number;
  /** Log of the upstream. */
  readonly upstream: Recorder;
  /** Recorders of all applications by name, to find causes. */
  readonly recorders: ReadonlyMap<string, Recorder>;
  readonly replay: PolicyReplay;
  report(difference: ReplayDifference): void;
  progressed(position: number, head: number): void;
}

const pageSize = 500;
/** Number of steps along the causes of a notification, after which the search for the application's own events ends. */
const longestChain = 100;

/**
 * Runs a policy on all notifications of an upstream that it has processed, and compares the events with those on record.
 * Resolves with the number of notifications that are left out, because their handlers use rows.
 */
export async function replayFollower(follower: ReplayedFollower): Promise<number> {
  const { pipelineId, upstream, recorder, setup, progressed } = follower;
  const { upstreamName } = setup;
  const { position } = await recorder.position(pipelineId, upstreamName); // first: its effects are in the log then
  const head = await recorder.head(pipelineId);
  const unhandled = await unhandledOf(setup, recorder);
  const groups = await RecordedGroups.open({ recorder, pipelineId, upstreamName, head });
  let leftOut = 0;
  for (let after = 0; after < position; ) {
    const page = await upstream.notifications(pipelineId, after, Math.min(pageSize, position - after));
    for (const notification of page) {
      progressed(notification.id, position);
      const effects = await groups.of(notification.id);
      if (
        effects.length === 0 &&
        (!mayHandle(setup, notification.type) || unhandled.isPassed(notification.id))
      )
        continue;
      const isParked = unhandled.isParked(notification.id);
      if (!(await replayOne(follower, groups, { notification, effects, isParked }))) leftOut += 1;
    }
    after = page.at(-1)?.id ?? position;
  }
  return leftOut;
}

/** A notification and what is on record for it. */
interface Handled {
  readonly notification: StoredNotification;
  readonly effects: readonly StoredNotification[];
  /** Whether it is parked, or was discarded. */
  readonly isParked: boolean;
}

/** Resolves with false if the notification is left out. */
async function replayOne(
  follower: ReplayedFollower,
  groups: RecordedGroups,
  handled: Handled,
): Promise<boolean> {
  const { replay, setup } = follower;
  const { notification, effects, isParked } = handled;
  const recorded = effects.map((stored) => setup.store.mapper.toRecorded(stored));
  let first: Compared | undefined;
  for await (const moment of momentsOf(follower, groups, handled)) {
    const outcome = await runBefore(effects, follower, notification, moment);
    if (outcome === undefined) return false;
    if (isParked && outcome.events === undefined) break; // it fails as it did before
    const compared = comparedWith(recorded, outcome);
    first ??= compared;
    if (compared.differences.length > 0) continue;
    first = compared;
    break;
  }
  replay.handled += 1;
  replay.same += first?.same ?? 0;
  const { applicationName, pipelineId } = setup.store;
  const { id: notificationId, type: eventType, originatorId } = notification;
  const { upstreamName } = setup;
  const place = { applicationName, upstreamName, pipelineId, notificationId, eventType, originatorId };
  for (const difference of first?.differences ?? []) follower.report({ ...place, ...difference });
  return true;
}

/**
 * Runs a policy at a moment before the effects on record. If the policy makes these at later versions, effects without a place
 * in the log are before them, which the first run took for earlier events: the aggregates are then loaded without them.
 */
async function runBefore(
  effects: readonly StoredNotification[],
  follower: ReplayedFollower,
  notification: StoredNotification,
  moment: Moment,
): Promise<PastOutcome | undefined> {
  const outcome = await runInPast(follower, notification, moment);
  const versions = new Map<string, number>();
  for (const { originatorId, originatorVersion } of effects.toReversed()) {
    const made = outcome?.events?.find((event) => event.originatorId === originatorId);
    const late = (made?.originatorVersion ?? 0) - originatorVersion;
    const version = outcome?.versions?.get(originatorId) ?? 0;
    if (late > 0) versions.set(originatorId, version - late);
    else versions.delete(originatorId);
  }
  if (versions.size === 0) return outcome;
  return await runInPast(follower, notification, { ...moment, versions });
}

/**
 * Moments at which a policy may have handled a notification, the likeliest first: just before its effects. Without effects,
 * the moment is behind the effects of earlier notifications and the events of the application that led to this one, and
 * before the effects of later notifications.
 */
async function* momentsOf(
  follower: ReplayedFollower,
  groups: RecordedGroups,
  { notification, effects: [effect] }: Handled,
): AsyncGenerator<Moment, void, undefined> {
  const { pipelineId } = follower;
  const { timestamp } = notification;
  if (effect !== undefined) yield { pipelineId, before: effect.id, timestamp: effect.timestamp };
  const earliest = Math.max(groups.behind, (await lastOwnCause(follower, notification)) + 1);
  if (effect === undefined || earliest < effect.id) yield { pipelineId, before: earliest, timestamp };
  if (effect === undefined && groups.next > earliest)
    yield { pipelineId, before: groups.next, timestamp: Infinity };
}

/** Returns the id of the application's own event, in this pipeline, that led to a notification last; 0 if there is none. */
async function lastOwnCause(
  { setup, recorders, pipelineId }: ReplayedFollower,
  notification: StoredNotification,
): Promise<number> {
  const { applicationName } = setup.store;
  if (setup.upstreamName === applicationName) return notification.id;
  let { cause } = notification;
  for (let steps = 0; cause !== undefined && steps < longestChain; steps += 1) {
    if (cause.applicationName === applicationName && cause.pipelineId === pipelineId)
      return cause.notificationId;
    const causes = await recorders
      .get(cause.applicationName)
      ?.causes(cause.pipelineId, cause.notificationId - 1, 1);
    cause = causes?.[0];
  }
  return 0;
}

/** What a policy makes of a notification, compared with what is on record. */
interface Compared {
  readonly same: number;
  readonly differences: readonly Pick<ReplayDifference, 'kind' | 'lines'>[];
}

function comparedWith(recorded: readonly ReadEvent[], outcome: PastOutcome): Compared {
  if (outcome.events === undefined)
    return { same: 0, differences: [{ kind: 'failed', lines: [errorLine(outcome.error)] }] };
  const { same, different, new: added, missing } = compareEvents(recorded, outcome.events);
  return {
    same,
    differences: [
      ...different.map((pair) => ({ kind: 'different' as const, lines: pairLines(pair) })),
      ...added.map((event) => ({ kind: 'new' as const, lines: [eventLine(event)] })),
      ...missing.map((event) => ({ kind: 'missing' as const, lines: [eventLine(event)] })),
    ],
  };
}
