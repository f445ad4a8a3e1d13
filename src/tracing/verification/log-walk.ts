import type { Recorder } from '../../storage/recorder.ts';
import { mayReachSize } from '../../storage/sizes.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import { faultIn, type LogName } from './fault.ts';
import type { FaultList } from './verification.ts';
import type { VersionCheck } from './version-check.ts';

export interface LogWalkOptions {
  readonly log: LogName;
  readonly recorder: Recorder;
  /** Last notification to read. */
  readonly head: number;
  readonly pageSize: number;
  /** Characters of data and metadata at which a page ends. */
  readonly pageLength: number;
  readonly versions: VersionCheck;
  readonly faults: FaultList;
  /** Called before a page is read; throws to end the walk. */
  beforePage(position: number, head: number): void;
}

/** Most gaps of a log in which causes are looked for. */
const mostGaps = 1_000;

/** Reads one log up to a head, a page ahead, and checks its ids and versions. */
export class LogWalk {
  readonly #options: LogWalkOptions;
  readonly #gaps: (readonly [first: number, last: number])[] = [];
  #page: readonly StoredNotification[] = [];
  #index = 0;
  /** Id of the last notification read. */
  #read = 0;
  #next: Promise<readonly StoredNotification[]> | undefined;
  #passed = 0;
  /** Number of notifications passed. */
  count = 0;

  constructor(options: LogWalkOptions) {
    this.#options = options;
  }

  get name(): LogName {
    return this.#options.log;
  }

  get head(): number {
    return this.#options.head;
  }

  /** Id up to which all notifications were passed or are missing. */
  get passed(): number {
    return Math.max(this.#passed, (this.current?.id ?? 0) - 1);
  }

  /** The notification to pass next; undefined at the end of the page. */
  get current(): StoredNotification | undefined {
    return this.#page[this.#index];
  }

  /** Whether a notification that was passed is missing. */
  lacks(notificationId: number): boolean {
    return this.#gaps.some(([first, last]) => first <= notificationId && notificationId <= last);
  }

  pass({ id }: StoredNotification): void {
    this.#passed = Math.max(this.#passed, id);
    this.#index += 1;
    this.count += 1;
  }

  /** Loads the next page if this one is passed. Resolves with whether there is a notification to pass. */
  async load(): Promise<boolean> {
    while (this.current === undefined) {
      if (this.#next === undefined && this.#read >= this.head) {
        this.#passed = this.head;
        return false;
      }
      this.#page = await (this.#next ?? this.#readPage());
      this.#index = 0;
      this.#next = this.#read < this.head ? this.#readPage() : undefined;
      this.#next?.catch(() => {}); // its error is thrown when the page is needed
      await yieldIfBusy();
    }
    return true;
  }

  /** Waits for the page that is being read, so that the recorder may be closed. */
  async settle(): Promise<void> {
    await Promise.allSettled([this.#next]);
  }

  /**
   * Checks that no events stand behind the end of the log. The head is read after them, so a log that grows meanwhile
   * is no fault.
   */
  async checkEnd(): Promise<void> {
    const { recorder, log, head, faults } = this.#options;
    const [beyond] = await recorder.notifications(log.pipelineId, head, 1);
    if (beyond === undefined) return;
    const now = await recorder.head(log.pipelineId);
    if (now >= beyond.id) return;
    const message = `notification ${beyond.id} stands behind the recorded end of the log, ${now}.`;
    faults.add(faultIn(log, { kind: 'event-beyond-head', notificationId: beyond.id, message }));
  }

  async #readPage(): Promise<readonly StoredNotification[]> {
    const { recorder, log, head, pageSize, pageLength, versions, beforePage } = this.#options;
    const after = this.#read;
    beforePage(after, head);
    const limit = Math.min(pageSize, head - after);
    const found = await recorder.notifications(log.pipelineId, after, limit, pageLength);
    const last = found.at(-1)?.id ?? head;
    // Behind a gap, a page reaches beyond the head.
    const page = last <= head ? found : found.filter(({ id }) => id <= head);
    const isCut = found.length > 0 && mayReachSize(found, pageLength);
    const isEnd = (found.length < limit && !isCut) || last <= after;
    this.#checkIds(page, isEnd ? head : Math.min(last, head));
    await versions.check(page);
    return page;
  }

  /** Checks that ids are contiguous after the last notification read, up to `end`. */
  #checkIds(page: readonly StoredNotification[], end: number): void {
    for (const { id } of page) {
      if (id > this.#read + 1) this.#addGap(this.#read + 1, id - 1);
      if (id <= this.#read) this.#addDoubled(id);
      this.#read = Math.max(this.#read, id);
    }
    if (this.#read >= end) return;
    this.#addGap(this.#read + 1, end);
    this.#read = end;
  }

  #addGap(first: number, last: number): void {
    const { faults, log } = this.#options;
    if (this.#gaps.length < mostGaps) this.#gaps.push([first, last]);
    const lacking =
      first === last ? `notification ${first} is missing.` : `notifications ${first} to ${last} are missing.`;
    const place = { notificationId: first, ...(last > first && { lastNotificationId: last }) };
    faults.add(faultIn(log, { kind: 'notification-lost', ...place, message: lacking }));
  }

  #addDoubled(id: number): void {
    const { faults, log } = this.#options;
    const message = `notification ${id} stands behind notification ${this.#read}, so it is recorded twice or misplaced.`;
    faults.add(faultIn(log, { kind: 'notification-doubled', notificationId: id, message }));
  }
}
