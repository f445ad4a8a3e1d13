import type { EventKey, Recorder } from '../../storage/recorder.ts';
import type { LogPlace, StoredNotification } from '../../storage/stored-event.ts';
import { faultIn, type LogName } from './fault.ts';
import type { FaultList } from './verification.ts';

/** An event of which earlier versions are not known to be recorded: those above `after`, up to `last`. */
interface Unproven {
  readonly notification: StoredNotification;
  readonly after: number;
  readonly last: number;
}

/** Largest number of versions that are located at once, if there is more than one for each notification of a page. */
const mostVersions = 1_000;

/**
 * Checks that the versions of each aggregate in a log ascend, and that the version before each of them is recorded: in
 * the log of any pipeline, or outside of the logs behind another recorded version.
 *
 * It remembers the newest versions of the aggregates seen last. The versions before those of other aggregates are
 * looked up, a page at a time. A version that comes twice is found if the aggregate is remembered; otherwise it takes
 * a storage that records a version twice.
 */
export class VersionCheck {
  readonly #log: LogName;
  readonly #recorder: Recorder;
  readonly #faults: FaultList;
  readonly #remembered: number;
  #recent = new Map<string, number>();
  /** Aggregates seen before the recent ones. */
  #older = new Map<string, number>();

  /** @param remembered Number of aggregates whose newest version is remembered. */
  constructor(log: LogName, recorder: Recorder, faults: FaultList, remembered: number) {
    this.#log = log;
    this.#recorder = recorder;
    this.#faults = faults;
    this.#remembered = remembered;
  }

  /** Checks the next notifications of the log. */
  async check(notifications: readonly StoredNotification[]): Promise<void> {
    const unproven: Unproven[] = [];
    for (const notification of notifications) {
      const { originatorId, originatorVersion } = notification;
      const newest = this.#newest(originatorId);
      if (newest >= originatorVersion) {
        this.#addDoubled(notification);
        continue;
      }
      this.#remember(originatorId, originatorVersion);
      if (originatorVersion - 1 === newest || originatorVersion === 1) continue;
      unproven.push({ notification, after: newest, last: originatorVersion - 1 });
    }
    if (unproven.length > 0) await this.#prove(unproven);
  }

  /**
   * Locates the versions before some notifications. If they are outside of the logs, also locates the versions before
   * them, in growing steps, back to a version that is in a log.
   */
  async #prove(unproven: readonly Unproven[]): Promise<void> {
    let open = unproven;
    for (let doubled = 1; open.length > 0; doubled *= 2) {
      const count = Math.max(1, Math.min(doubled, Math.floor(mostVersions / open.length)));
      const sought = open.map((one) => ({ one, keys: keysBefore(one, count) }));
      const places = await this.#recorder.locate(sought.flatMap(({ keys }) => keys));
      let start = 0;
      open = sought.flatMap(({ one, keys }) => {
        const found = places.slice(start, start + keys.length);
        start += keys.length;
        return this.#restOf(one, keys, found);
      });
    }
  }

  /** Reports the newest version that is missing. Returns what is left to locate: nothing behind a version in a log. */
  #restOf(one: Unproven, keys: readonly EventKey[], places: readonly (LogPlace | undefined)[]): Unproven[] {
    const end = places.findIndex((place) => place?.notificationId !== 0);
    const key = keys[end];
    if (key !== undefined) {
      if (places[end] === undefined) this.#addLost(one.notification, key);
      return [];
    }
    const last = keys.at(-1)?.originatorVersion ?? 0;
    return last - 1 > one.after ? [{ ...one, last: last - 1 }] : [];
  }

  /** Returns the newest remembered version, or 0. */
  #newest(originatorId: string): number {
    return this.#recent.get(originatorId) ?? this.#older.get(originatorId) ?? 0;
  }

  #remember(originatorId: string, version: number): void {
    this.#recent.set(originatorId, version);
    if (this.#recent.size * 2 < this.#remembered) return;
    this.#older = this.#recent;
    this.#recent = new Map();
  }

  #addDoubled({ id: notificationId, originatorId, originatorVersion }: StoredNotification): void {
    const message =
      `notification ${notificationId} is version ${originatorVersion} of aggregate '${originatorId}', ` +
      'of which this or a later version stands before it.';
    this.#faults.add(
      faultIn(this.#log, {
        kind: 'version-doubled',
        notificationId,
        originatorId,
        originatorVersion,
        message,
      }),
    );
  }

  #addLost(
    { id: notificationId, originatorId, originatorVersion: next }: StoredNotification,
    { originatorVersion }: EventKey,
  ): void {
    const message =
      `notification ${notificationId} is version ${next} of aggregate '${originatorId}', ` +
      `but version ${originatorVersion} is recorded nowhere.`;
    this.#faults.add(
      faultIn(this.#log, { kind: 'version-lost', notificationId, originatorId, originatorVersion, message }),
    );
  }
}

/** Returns the keys of up to `count` versions, the newest first. */
function keysBefore({ notification: { originatorId }, after, last }: Unproven, count: number): EventKey[] {
  const length = Math.min(count, last - after);
  return Array.from({ length }, (_, i) => ({ originatorId, originatorVersion: last - i }));
}
