import { InvalidStorageError } from '../../storage/errors.ts';
import { ForwardingRecorder } from '../../storage/layers/forwarding-recorder.ts';
import { ForwardingStorage } from '../../storage/layers/forwarding-storage.ts';
import type { ProcessEvent, Recorder, WriteLock } from '../../storage/recorder.ts';
import {
  describeStorage,
  type LogListener,
  type OpenedStorage,
  openStorage as openInner,
  type RecorderOptions,
  type StorageDescription,
  type StorageOptions,
} from '../../storage/storage.ts';
import { siblingFile } from '../../util/environment/bundle.ts';
import { markAs } from '../../util/environment/copies.ts';
import { newId } from '../../util/ids.ts';
import type { ScheduledLife, ScheduleRun } from './schedule-run.ts';

markAs('storage', openStorage);

/** URL of this module, for the description. */
export const moduleUrl: string =
  siblingFile(import.meta.url, '../schedules/scheduled-module')?.href ?? 'kahn/testing';

/** What the options of a description stand for. */
interface Scheduled {
  readonly inner: StorageDescription;
  readonly run: ScheduleRun;
  readonly life: ScheduledLife;
}

const scheduled = new WeakMap<StorageOptions, Scheduled>();

/** Describes a storage as one runner of a scheduled run uses it. */
export function scheduledStorage(
  inner: StorageDescription,
  run: ScheduleRun,
  life: ScheduledLife,
): StorageDescription {
  const options: StorageOptions = { id: newId() };
  scheduled.set(options, { inner, run, life });
  return describeStorage({ moduleUrl, openStorage }, options);
}

/** Opens the storage that {@link scheduledStorage} described. */
export async function openStorage(options: StorageOptions, writerId?: string): Promise<OpenedStorage> {
  const found = scheduled.get(options);
  if (found === undefined)
    throw new InvalidStorageError('The storage of a schedule is used in the thread of the schedule only.');
  return new ScheduledStorage(await openInner(found.inner, { writerId }), found);
}

class ScheduledStorage extends ForwardingStorage {
  readonly #scheduled: Scheduled;
  override readonly listen: (listener: LogListener) => Promise<AsyncDisposable>;

  constructor(inner: OpenedStorage, one: Scheduled) {
    super(inner);
    this.#scheduled = one;
    this.listen = async (listener) => {
      one.life.listener = listener;
      return {
        [Symbol.asyncDispose]: async () => {
          delete one.life.listener;
        },
      };
    };
  }

  override async openRecorder(options: RecorderOptions): Promise<Recorder> {
    const { run, life } = this.#scheduled;
    run.assertAlive(life, options.applicationName);
    return new ScheduledRecorder(
      await this.inner.openRecorder(options),
      options.applicationName,
      this.#scheduled,
    );
  }
}

class ScheduledRecorder extends ForwardingRecorder {
  readonly #applicationName: string;
  readonly #scheduled: Scheduled;

  constructor(inner: Recorder, applicationName: string, one: Scheduled) {
    super(inner);
    this.#applicationName = applicationName;
    this.#scheduled = one;
  }

  override record(pipelineId: number, processEvents: readonly ProcessEvent[]): Promise<number> {
    return this.#record(pipelineId, processEvents, () => this.inner.record(pipelineId, processEvents));
  }

  protected override async explained<T>(result: Promise<T>): Promise<T> {
    const value = await result;
    const { run, life } = this.#scheduled;
    run.assertAlive(life, this.#applicationName);
    return value;
  }

  protected override lockOf(lock: WriteLock): WriteLock {
    return {
      get handle() {
        return lock.handle;
      },
      record: async (pipelineId, processEvents) => {
        try {
          return await this.#record(pipelineId, processEvents, () => lock.record(pipelineId, processEvents));
        } finally {
          await lock.release();
        }
      },
      release: (reason) => lock.release(reason),
    };
  }

  async #record(
    pipelineId: number,
    processEvents: readonly ProcessEvent[],
    record: () => Promise<number>,
  ): Promise<number> {
    const { run, life } = this.#scheduled;
    const applicationName = this.#applicationName;
    const head = await run.record(life, applicationName, processEvents, record);
    run.prompt(life, { applicationName, pipelineId, head });
    return head;
  }
}
