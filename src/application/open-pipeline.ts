import { AggregateTurns } from './commands/aggregate-turns.ts';
import { type NotificationLog, RecordedNotificationLog } from './log/notification-log.ts';
import { noteUnread } from './policy/current-policy.ts';
import { type CommitHooks, CommitQueue } from './recording/commit-queue.ts';
import type { EventStore } from './recording/event-store.ts';
import { Repository } from './recording/repository.ts';

/** What an application reads and records with in one pipeline. */
export class OpenPipeline {
  readonly store: EventStore;
  readonly queue: CommitQueue;
  readonly repository: Repository;
  readonly log: NotificationLog;
  /** Turns of the updates. */
  readonly turns: AggregateTurns = new AggregateTurns();

  constructor(store: EventStore, hooks: CommitHooks) {
    const { applicationName, pipelineId, recorder, emits, recent, sectionSize } = store;
    this.store = store;
    this.queue = new CommitQueue(store, hooks);
    this.repository = new Repository(applicationName, store.loader, noteUnread);
    const recordedAs = store.recordedNameOf(applicationName);
    const options = { applicationName, pipelineId, emits, recent, recordedAs, sectionSize };
    this.log = new RecordedNotificationLog(recorder, options);
  }
}
