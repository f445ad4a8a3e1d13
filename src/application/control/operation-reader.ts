import type { RecordedOperation, Recorder } from '../../storage/recorder.ts';
import { Mutex } from '../../util/mutex.ts';
import { readOperations } from './read-operations.ts';

/** Derives something from the operations of an application. */
export interface OperationListener {
  /** Takes the next operation. */
  apply(operation: RecordedOperation): void;
  /** Forgets all operations, before those that the log holds now are applied. */
  restored(): void;
}

/** Reads the operations of an application as they are recorded, and notices if an older copy of their log was restored. */
export class OperationReader {
  readonly #recorder: Pick<Recorder, 'operations'>;
  readonly #listener: OperationListener;
  readonly #turns = new Mutex();
  #last: RecordedOperation | undefined;

  constructor(recorder: Pick<Recorder, 'operations'>, listener: OperationListener) {
    this.#recorder = recorder;
    this.#listener = listener;
  }

  /** Id of the last operation that was read; 0 before the first one. */
  get lastId(): number {
    return this.#last?.id ?? 0;
  }

  /** Reads the operations that were recorded before the call. */
  read(): Promise<void> {
    return this.#turns.run(async () => {
      if (await this.#readNew()) return;
      this.#last = undefined;
      this.#listener.restored();
      await this.#readNew();
    });
  }

  /** Reads what follows the last operation. Returns false if the log does not hold that one. */
  async #readNew(): Promise<boolean> {
    const last = this.#last;
    let isKnown = last !== undefined; // whether the next page begins with the last operation
    for await (const page of readOperations(this.#recorder, Math.max(this.lastId - 1, 0))) {
      if (isKnown && !isSame(page[0], last)) return false;
      for (const operation of isKnown ? page.slice(1) : page) {
        this.#last = operation;
        this.#listener.apply(operation);
      }
      isKnown = false;
    }
    return true;
  }
}

function isSame(found: RecordedOperation | undefined, known: RecordedOperation | undefined): boolean {
  return found?.id === known?.id && found?.timestamp === known?.timestamp && found?.kind === known?.kind;
}
