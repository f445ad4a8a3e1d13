import { assertPipelineId } from '../util/ids.ts';
import type { ApplicationBinding } from './application-binding.ts';
import { AggregateTurns } from './commands/aggregate-turns.ts';
import { PipelineFixedError } from './errors.ts';
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

/** The pipelines in which an open application has been, and the one in which it is. */
export class OpenPipelines {
  readonly binding: ApplicationBinding;
  readonly #grown: (pipelineId: number, head: number) => void;
  /** Each keeps its commit queue for when the application returns to it. */
  readonly #all = new Map<number, OpenPipeline>();
  #current: OpenPipeline;

  /** @param grown Called with the new head when the application has recorded events in a pipeline. */
  constructor(binding: ApplicationBinding, grown: (pipelineId: number, head: number) => void) {
    this.binding = binding;
    this.#grown = grown;
    this.#current = this.#in(binding.store);
  }

  get current(): OpenPipeline {
    return this.#current;
  }

  /**
   * @throws {@link InvalidIdError} if `pipelineId` is not an integer from 0 to 2147483647.
   * @throws {@link PipelineFixedError} if the application stays in its pipeline.
   */
  change(pipelineId: number): void {
    const { store } = this.#current;
    assertPipelineId(pipelineId);
    if (pipelineId === store.pipelineId) return;
    if (!this.binding.mayChangePipeline)
      throw new PipelineFixedError(store.applicationName, store.pipelineId);
    this.#current = this.#in(store.inPipeline(pipelineId));
  }

  /** Waits for running saves and releases everything. */
  async close(): Promise<void> {
    await using closing = new AsyncDisposableStack(); // released even if a save fails in an unexpected way
    closing.defer(() => this.binding.release());
    for (const { queue } of this.#all.values()) await queue.idle();
  }

  #in(store: EventStore): OpenPipeline {
    const { pipelineId } = store;
    const grown = (head: number) => this.#grown(pipelineId, head);
    const pipeline =
      this.#all.get(pipelineId) ?? new OpenPipeline(store, { ...this.binding.saveRules, grown });
    this.#all.set(pipelineId, pipeline);
    return pipeline;
  }
}
