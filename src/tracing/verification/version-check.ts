import type { EventKey, Recorder } from '../../storage/recorder.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { faultIn, type LogName } from './fault.ts';
import type { FaultList } from './verification.ts';

/** An event whose previous version is not known to be recorded. */
interface Unproven {
  readonly notification: StoredNotification;
  readonly previous: EventKey;
}

/**
 * Checks that the versions of each aggregate in a log ascend, and that the version before each of them is recorded in
 * the log of any pipeline.
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
      unproven.push({ notification, previous: { originatorId, originatorVersion: originatorVersion - 1 } });
    }
    if (unproven.length > 0) await this.#prove(unproven);
  }

  async #prove(unproven: readonly Unproven[]): Promise<void> {
    const places = await this.#recorder.locate(unproven.map(({ previous }) => previous));
    for (const [i, { notification, previous }] of unproven.entries()) {
      if (places[i] === undefined) this.#addLost(notification, previous);
    }
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
