import type { ProcessEvent } from '../recorder.ts';
import { ApplicationMemory } from './application-memory.ts';
import { Journal } from './journal.ts';
import { Replica } from './replica.ts';

/** How much of a journal fits into shared memory; reserved at once, but used only as it fills. */
const defaultMaxBytes = 2 ** 30;

/** The memory of one application: on this heap alone until it is shared, then the same in all threads. */
export class SharableMemory {
  readonly applicationName: string;
  readonly #memory: ApplicationMemory;
  #replica: Replica | undefined;

  constructor(applicationName: string) {
    this.applicationName = applicationName;
    this.#memory = new ApplicationMemory(applicationName);
  }

  /** The memory that another thread has shared. */
  static join(applicationName: string, shared: SharedArrayBuffer): SharableMemory {
    const joined = new SharableMemory(applicationName);
    joined.#replica = new Replica(joined.#memory, new Journal(shared), Journal.start);
    return joined;
  }

  /** Shares it from now on, and returns what other threads join it with. */
  share(maxBytes: number = defaultMaxBytes): SharedArrayBuffer {
    this.#replica ??= Replica.begin(this.#memory, maxBytes);
    return this.#replica.shared;
  }

  /** All that has been recorded by now. */
  get current(): ApplicationMemory {
    return this.#replica === undefined ? this.#memory : this.#replica.caughtUp();
  }

  /** Records it, at once if it can. */
  record(pipelineId: number, processEvents: readonly ProcessEvent[]): number | Promise<number> {
    return (this.#replica ?? this.#memory).record(pipelineId, processEvents);
  }

  /** Releases what a thread held that has ended. */
  threadEnded(threadId: number): void {
    this.#replica?.threadEnded(threadId);
  }
}
