import { upToSize } from '../../storage/sizes.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import { assertCount } from './errors.ts';
import type { NotificationLog } from './notification-log.ts';
import { defaultSectionSize, type Section, sectionIdOf } from './sections.ts';

/** Reads a notification log by its sections only, as one can be read from another host. */
export class SectionedNotificationLog implements NotificationLog {
  readonly applicationName: string;
  readonly pipelineId: number;
  readonly emits: readonly string[] | undefined;
  readonly recordedAs: string | undefined;
  readonly sectionSize: number;
  readonly #log: NotificationLog;

  constructor(log: NotificationLog) {
    this.applicationName = log.applicationName;
    this.pipelineId = log.pipelineId;
    this.emits = log.emits;
    this.recordedAs = log.recordedAs;
    this.sectionSize = log.sectionSize ?? defaultSectionSize;
    this.#log = log;
  }

  async select(
    after: number,
    limit: number,
    maxSize: number = Infinity,
  ): Promise<readonly StoredNotification[]> {
    assertCount(after, 'position');
    assertCount(limit, 'limit');
    const selected: StoredNotification[] = [];
    let id: string | undefined = limit === 0 ? undefined : sectionIdOf(after + 1, this.sectionSize);
    while (id !== undefined) {
      const { items, nextId }: Section = await this.#log.section(id);
      const wanted = items.filter((item) => item.id > after).slice(0, limit - selected.length);
      const before = selected.length;
      selected.push(...wanted);
      const fitting = upToSize(selected, maxSize);
      if (fitting.length < selected.length || selected.length === limit) return fitting;
      id = selected.length === before ? undefined : nextId;
    }
    return selected;
  }

  section(id: string): Promise<Section> {
    return this.#log.section(id);
  }

  head(): Promise<number> {
    return this.#log.head();
  }
}

/** Returns the log that a follower reads: the log itself, or one that reads it by its sections. */
export function followedLog(log: NotificationLog, useDirectQueryIfAvailable: boolean): NotificationLog {
  return useDirectQueryIfAvailable ? log : new SectionedNotificationLog(log);
}
