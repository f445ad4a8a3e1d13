import { ApplicationMemory } from '../application-memory.ts';
import { Journal } from './journal.ts';
import { Replica } from './replica.ts';

/** How much of a journal fits into shared memory; reserved at once, but used only as it fills. */
const defaultMaxBytes = 2 ** 30;

/** The memory of one application: on this heap alone until it is shared, then the same in all threads. */
export class SharableMemory {
  readonly applicationName: string;
  #content: ApplicationMemory | Replica;

  constructor(applicationName: string, content?: Replica) {
    this.applicationName = applicationName;
    this.#content = content ?? new ApplicationMemory(applicationName);
  }

  /** The memory that another thread has shared. */
  static join(applicationName: string, shared: SharedArrayBuffer): SharableMemory {
    return new SharableMemory(applicationName, new Replica(applicationName, new Journal(shared)));
  }

  /** Shares it from now on, and returns what other threads join it with. */
  share(maxBytes: number = defaultMaxBytes): SharedArrayBuffer {
    if (!(this.#content instanceof Replica)) this.#content = Replica.begin(this.#content, maxBytes);
    return this.#content.shared;
  }

  /** What has been recorded, and where to record. */
  get content(): ApplicationMemory | Replica {
    return this.#content;
  }

  /** Releases what a thread held that has ended. */
  threadEnded(threadId: number): void {
    if (this.#content instanceof Replica) this.#content.threadEnded(threadId);
  }
}
