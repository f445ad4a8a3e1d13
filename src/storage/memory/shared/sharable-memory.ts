import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Mutex } from '../../../util/mutex.ts';
import type { ProcessEvent, WriteLock } from '../../recorder.ts';
import { ApplicationMemory } from '../application-memory.ts';
import type { Expiry } from '../commands.ts';
import { lockTimeout } from '../errors.ts';
import type { TypesChange } from '../positions.ts';
import { Journal } from './journal.ts';
import { type Outcome, Replica, writeLocked } from './replica.ts';

/** Delay between tries while the write lock is held, in ms. */
const pollMs = 3;
/** Longest wait for the write lock, in ms. */
const lockTimeoutMs = 5_000;

/** Largest journal, in bytes. Reserved at once, used as the journal fills. */
const defaultMaxBytes = 2 ** 30;

/** The write lock of an application in memory. */
export interface MemoryLock extends WriteLock {
  /** @param commit Called when nothing refuses the call any more; if it throws, nothing is recorded. Not for shared memory. */
  record(pipelineId: number, processEvents: readonly ProcessEvent[], commit?: () => void): Promise<number>;
}

/** The memory of one application: on this heap until it is shared, then in a journal that threads share. */
export class SharableMemory {
  readonly applicationName: string;
  #content: ApplicationMemory | Replica;
  /** The write lock, while a caller in this thread holds it. */
  #held: WriteLock | undefined;
  readonly #queue = new Mutex();
  #queued = 0;

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

  get isShared(): boolean {
    return this.#content instanceof Replica;
  }

  get content(): ApplicationMemory | Replica {
    return this.#content;
  }

  record(pipelineId: number, processEvents: readonly ProcessEvent[]): number | Promise<number> {
    return this.#write((content) => content.record(pipelineId, processEvents));
  }

  recordHandledTypes(pipelineId: number, types: TypesChange): number | Promise<number> {
    return this.#write((content) => content.recordHandledTypes(pipelineId, types));
  }

  deleteCommands(expiry: Expiry): number | Promise<number> {
    return this.#write((content) => content.deleteCommands(expiry));
  }

  /** Takes the write lock, in all threads. */
  async lock(): Promise<MemoryLock> {
    const lock: MemoryLock = {
      record: async (pipelineId, processEvents, commit) => {
        if (this.#held !== lock) return this.record(pipelineId, processEvents);
        try {
          return (await this.#content.record(pipelineId, processEvents, commit)) as number; // this thread is the owner
        } finally {
          this.#unlock();
        }
      },
      release: async () => {
        if (this.#held === lock) this.#unlock();
      },
    };
    await this.#whenUnlocked(async () => {
      if (this.#held !== undefined) return writeLocked;
      this.#held = lock; // before other callers in this thread try
      let isTaken = !(this.#content instanceof Replica);
      try {
        if (this.#content instanceof Replica) isTaken = await this.#content.tryLock();
      } finally {
        if (!isTaken) this.#held = undefined;
      }
      return isTaken ? 0 : writeLocked;
    });
    return lock;
  }

  /** Releases the locks of a thread that has ended. */
  threadEnded(threadId: number): void {
    if (this.#content instanceof Replica) this.#content.threadEnded(threadId);
  }

  /** Writes at once or, after waiting for the write lock, in the order of the calls. */
  #write(
    work: (content: ApplicationMemory | Replica) => Outcome | Promise<Outcome>,
  ): number | Promise<number> {
    const write = () => (this.#held === undefined ? work(this.#content) : writeLocked);
    const outcome = this.#queued === 0 ? write() : writeLocked;
    return typeof outcome === 'number' ? outcome : this.#writeLater(outcome, write);
  }

  async #writeLater(
    outcome: Outcome | Promise<Outcome>,
    write: () => Outcome | Promise<Outcome>,
  ): Promise<number> {
    const first = await outcome;
    return first === writeLocked ? this.#whenUnlocked(write) : first;
  }

  #unlock(): void {
    this.#held = undefined;
    if (this.#content instanceof Replica) this.#content.unlock();
  }

  /** Repeats work until the write lock is free, in the order of the calls. */
  async #whenUnlocked(work: () => Outcome | Promise<Outcome>): Promise<number> {
    const deadline = performance.now() + lockTimeoutMs;
    this.#queued += 1;
    try {
      return await this.#queue.run(async () => {
        for (;;) {
          const outcome = await work();
          if (outcome !== writeLocked) return outcome;
          if (performance.now() >= deadline) throw lockTimeout(this.applicationName);
          await delay(pollMs);
        }
      });
    } finally {
      this.#queued -= 1;
    }
  }
}
