import type { Cause } from '../../domain/provenance.ts';
import { StorageError } from '../errors.ts';
import type { History, RecordedOperation, RecordedPosition, Recorder, TypeCounts } from '../recorder.ts';
import { recorderClosed } from '../storage-location.ts';
import type { LogPlace, StoredNotification } from '../stored-event.ts';
import { notOurs } from './errors.ts';
import { LateAnswers } from './late-answers.ts';
import type { RemoteLog } from './remote-log.ts';

/** Reads the log of an application of another system. Nothing can be recorded in it here. */
export class RemoteRecorder implements Recorder {
  readonly #log: RemoteLog;
  readonly #noteRead: (pipelineId: number) => void;
  /** Pipelines that were read. */
  readonly #pipelineIds = new Set<number>();
  /** Pages that the server has not answered in time, by pipeline. */
  readonly #late = new Map<number, LateAnswers<readonly StoredNotification[]>>();
  readonly #closed = new AbortController();

  /** @param noteRead Called with the pipeline of a log that is read. */
  constructor(log: RemoteLog, noteRead: (pipelineId: number) => void) {
    this.#log = log;
    this.#noteRead = noteRead;
  }

  recordedName(applicationName: string): string {
    return this.#log.recordedName(applicationName);
  }

  async notifications(
    pipelineId: number,
    after: number,
    limit: number,
    maxSize?: number,
  ): Promise<readonly StoredNotification[]> {
    this.#closed.signal.throwIfAborted();
    const kept = this.#log.takeKept(pipelineId, after, limit);
    if (kept !== undefined) return kept;
    const log = await this.#open(pipelineId);
    const { signal } = this.#closed;
    const late = this.#late.get(pipelineId) ?? new LateAnswers();
    this.#late.set(pipelineId, late);
    return late.read(
      `${after} ${limit} ${maxSize}`,
      (answered) => log.notifications(pipelineId, after, limit, maxSize, { signal, answered }),
      () => log.unanswered(),
      signal,
    );
  }

  async causes(pipelineId: number, after: number, limit: number): Promise<readonly (Cause | undefined)[]> {
    return (await this.notifications(pipelineId, after, limit)).map(({ cause }) => cause);
  }

  async head(pipelineId: number): Promise<number> {
    const log = await this.#open(pipelineId);
    return log.headSoon(pipelineId, this.#closed.signal);
  }

  async logs(): Promise<readonly LogPlace[]> {
    const places: LogPlace[] = [];
    for (const pipelineId of [...this.#pipelineIds.add(0)].sort((a, b) => a - b)) {
      const notificationId = await this.head(pipelineId).catch(noneIfMissing);
      if (notificationId > 0) places.push({ pipelineId, notificationId });
    }
    return places;
  }

  async position(pipelineId: number, upstreamName: string): Promise<RecordedPosition> {
    return { pipelineId, upstreamName, position: 0, typesVersion: 0 };
  }

  async positions(): Promise<readonly RecordedPosition[]> {
    return [];
  }

  async operations(): Promise<readonly RecordedOperation[]> {
    return [];
  }

  /** Counts nothing: the other system knows which types it declares. */
  async countTypes(): Promise<TypeCounts> {
    return { counts: new Map(), last: undefined };
  }

  async histories(): Promise<readonly History[]> {
    throw notOurs(this.#log.location, 'load its aggregates');
  }

  async locate(): Promise<readonly (LogPlace | undefined)[]> {
    throw notOurs(this.#log.location, 'look up its events by their aggregates');
  }

  async record(): Promise<number> {
    throw notOurs(this.#log.location, 'record in it');
  }

  async recordHandledTypes(): Promise<number> {
    throw notOurs(this.#log.location, 'record in it');
  }

  async recordSnapshots(): Promise<void> {
    throw notOurs(this.#log.location, 'record in it');
  }

  async close(): Promise<void> {
    this.#closed.abort(recorderClosed(this.#log.location));
  }

  async #open(pipelineId: number): Promise<RemoteLog> {
    this.#closed.signal.throwIfAborted();
    this.#pipelineIds.add(pipelineId);
    this.#noteRead(pipelineId);
    await this.#log.assertReachable(pipelineId, this.#closed.signal);
    return this.#log;
  }
}

/** Returns 0 for a log that is not served, such as one of a pipeline that the other system does not have. */
function noneIfMissing(error: unknown): number {
  if (error instanceof StorageError && error.code === 'STORAGE_MISSING') return 0;
  throw error;
}
