import type { StoredNotification } from '../../storage/stored-event.ts';
import type { CauseCheck } from './cause-check.ts';
import { causeText, faultIn, logText } from './fault.ts';
import type { LogWalk } from './log-walk.ts';
import type { FaultList } from './verification.ts';

/** The walk through a log, and the check of its causes. */
export interface CheckedLog {
  readonly walk: LogWalk;
  readonly causes: CauseCheck;
}

/** An event that cannot be passed before its cause, which stands in the log of another walk. */
interface BlockedEvent {
  readonly log: CheckedLog;
  readonly notification: StoredNotification;
  readonly by: LogWalk;
}

/**
 * Walks all logs to their ends, each in its order, and no event before its cause. Events are recorded one after another,
 * so this is always possible, unless an event names a cause that was recorded after it: then events wait for each other
 * in a circle.
 */
export async function walkInCausalOrder(logs: readonly CheckedLog[], faults: FaultList): Promise<void> {
  let open = logs;
  while (open.length > 0) {
    const left: CheckedLog[] = [];
    let isStuck = true;
    for (const log of open) {
      const before = log.walk.count;
      if (await advance(log)) left.push(log);
      if (log.walk.count > before || left.at(-1) !== log) isStuck = false;
    }
    if (isStuck) force(left, faults);
    open = left;
  }
}

/** Passes events until one must wait for its cause. Resolves with false at the end of the log. */
async function advance({ walk, causes }: CheckedLog): Promise<boolean> {
  while (await walk.load()) {
    for (let event = walk.current; event !== undefined; event = walk.current) {
      if (event.cause !== undefined && causes.blockedBy(event.cause) !== undefined) return true;
      causes.check(event);
      walk.pass(event);
    }
  }
  return false;
}

/** Passes one event of a circle before its cause: the one whose cause is farthest from the cause before it. */
function force(logs: readonly CheckedLog[], faults: FaultList): void {
  const blocked = new Map(logs.map((log) => [log.walk, blockedEvent(log)]));
  const circle = circleIn(blocked);
  const [first, ...others] = circle.toSorted((a, b) => leap(b) - leap(a));
  if (first === undefined) return;
  const { log, notification } = first;
  const { cause } = notification;
  const through = others.map((one) => `${one.notification.id} of ${logText(one.log.walk.name)}`).join(', ');
  const message =
    `notification ${notification.id} names ${cause === undefined ? 'a notification' : causeText(cause)} as its cause, ` +
    `which is not before it${through === '' ? '' : ` (but after ${through}). The damaged cause may be that of any of them`}.`;
  faults.add(
    faultIn(log.walk.name, {
      kind: 'cause-not-before',
      notificationId: notification.id,
      ...(cause && { cause }),
      message,
    }),
  );
  log.causes.check(notification, true);
  log.walk.pass(notification);
}

function blockedEvent(log: CheckedLog): BlockedEvent | undefined {
  const notification = log.walk.current;
  const by = notification?.cause && log.causes.blockedBy(notification.cause);
  return notification && by && { log, notification, by };
}

/** Returns blocked events each of which waits for the log of the next one, and the last one for that of the first. */
function circleIn(blocked: ReadonlyMap<LogWalk, BlockedEvent | undefined>): readonly BlockedEvent[] {
  const path: BlockedEvent[] = [];
  let [walk] = blocked.keys();
  for (;;) {
    const event = walk && blocked.get(walk);
    if (event === undefined) return path;
    const start = path.indexOf(event);
    if (start >= 0) return path.slice(start);
    path.push(event);
    walk = event.by;
  }
}

function leap({ log, notification: { cause } }: BlockedEvent): number {
  return cause === undefined ? 0 : cause.notificationId - log.causes.source(cause).last;
}
