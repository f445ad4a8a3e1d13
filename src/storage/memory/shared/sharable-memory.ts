import { ApplicationMemory } from '../application-memory.ts';
import { Journal } from './journal.ts';
import { Replica } from './replica.ts';

/** Largest journal, in bytes. Reserved at once, used as the journal fills. */
const defaultMaxBytes = 2 ** 30;

/** The memory of one application: on this heap until it is shared, then in a journal that threads share. */
export class SharableMemory {
  readonly applicationName: string;
  #content: ApplicationMemory | Replica;

  constructor(applicationName: string, content?: Replica) {
    this.applicationName = applicationName;
    this.#content = content ?? new ApplicationMemory(applicationName);
  }

  /** Joins the memory that another thread has shared. */
  static join(applicationName: string, shared: SharedArrayBuffer): SharableMemory {
    return new SharableMemory(applicationName, new Replica(applicationName, new Journal(shared)));
  }

  /** Shares the memory permanently, and returns the journal with which other threads join it. */
  share(maxBytes: number = defaultMaxBytes): SharedArrayBuffer {
    if (!(this.#content instanceof Replica)) this.#content = Replica.create(this.#content, maxBytes);
    return this.#content.shared;
  }

  get content(): ApplicationMemory | Replica {
    return this.#content;
  }

  /** Releases the lock if a thread held it when it ended. */
  threadEnded(threadId: number): void {
    if (this.#content instanceof Replica) this.#content.threadEnded(threadId);
  }
}
