import type { DatabaseSync, StatementSync } from 'node:sqlite';
import {
  KeyConflictError,
  ParkedConflictError,
  PositionConflictError,
  type PositionState,
  RecordConflictError,
} from '../errors.ts';
import { type ParkedChange, parkedChanges, repeatedChange } from '../parked.ts';
import type { ProcessEvent, RecordedPosition, StoredOperation, Tracking } from '../recorder.ts';
import { causePipelineColumn } from '../sql/cause-columns.ts';
import { correlationDigits } from '../sql/correlation-column.ts';
import { dependenciesText } from '../sql/dependency-column.ts';
import { toPosition, typesText } from '../sql/position-rows.ts';
import { storageError } from '../storage-location.ts';
import type { StoredEvent, StoredSnapshot } from '../stored-event.ts';
import { Refusal } from './connection/refusal.ts';
import type { Session } from './connection/session.ts';
import type { ApplicationFile } from './layout/file.ts';
import { insertStrictly, row, type Statements } from './statements.ts';

/** The use of a file by the recorder of an application. */
export type ApplicationSession = Session<ApplicationFile, Statements>;

/** Writes rows in a transaction that its caller begins and ends, while the session is in use. */
export class RowWriter {
  readonly #session: ApplicationSession;

  constructor(session: ApplicationSession) {
    this.#session = session;
  }

  /**
   * Writes process events, and returns the id of the log's last notification.
   *
   * @throws {@link Refusal} if a key, a version, a position or a parked notification is in conflict.
   */
  write(pipelineId: number, processEvents: readonly ProcessEvent[]): number {
    this.#addCommands(processEvents); // first, so that a conflict of keys comes before other conflicts
    const { head, insertEvent } = this.#statements;
    let last = Number(row(head, pipelineId)?.[0]);
    let lastUnlisted: number | undefined;
    for (const { events, snapshots, tracking, operation } of processEvents) {
      for (const event of events) {
        let id = last + 1;
        if (event.notifiable === false) {
          lastUnlisted ??= this.#lastUnlisted(pipelineId);
          lastUnlisted -= 1;
          id = lastUnlisted;
        } else last = id;
        if (!this.#insert(insertEvent, pipelineId, id, event)) throw this.#refusal(pipelineId, id, event);
      }
      this.putSnapshots(snapshots);
      if (operation !== undefined) this.#addOperation(operation);
      if (tracking === undefined) continue;
      if (this.#move(pipelineId, tracking)) continue;
      const { upstreamName, expected, typesVersion = 0 } = tracking;
      const state = { position: expected, typesVersion };
      throw new Refusal(() => this.#positionConflict(pipelineId, upstreamName, state));
    }
    this.#changeParked(pipelineId, parkedChanges(processEvents)); // last, as its conflicts come after other conflicts
    return last;
  }

  #changeParked(pipelineId: number, changes: readonly ParkedChange[]): void {
    const conflict = changes.find((one) => !this.#change(pipelineId, one)) ?? repeatedChange(changes);
    if (conflict === undefined) return;
    throw new Refusal(() => new ParkedConflictError(this.#file.applicationName, conflict));
  }

  /** Changes a parked notification and returns true if its revision is as expected. */
  #change(pipelineId: number, { upstreamName, notificationId, expected, content }: ParkedChange): boolean {
    const { park, changeParked, deleteParked } = this.#statements;
    if (content === undefined)
      return deleteParked.run(pipelineId, upstreamName, notificationId, expected).changes > 0;
    const { originatorId, isDue, attempts, since, reason } = content;
    const values = [
      pipelineId,
      upstreamName,
      notificationId,
      originatorId,
      Number(isDue),
      attempts,
      since,
      reason,
    ];
    const { changes } = expected === 0 ? park.run(...values) : changeParked.run(...values, expected);
    return changes > 0;
  }

  #addCommands(processEvents: readonly ProcessEvent[]): void {
    for (const { command } of processEvents) {
      if (command === undefined) continue;
      const { key, timestamp, fingerprint, outcome } = command;
      if (this.#statements.addCommand.run(key, timestamp, fingerprint, outcome).changes > 0) continue;
      throw new Refusal(() => new KeyConflictError(this.#file.applicationName, key));
    }
  }

  #lastUnlisted(pipelineId: number): number {
    return Number(row(this.#statements.lastUnlisted, pipelineId)?.[0]);
  }

  /** Moves a position and returns true if it is the expected position. */
  #move(pipelineId: number, tracking: Tracking): boolean {
    const { upstreamName, position, mark = null, expected, typesVersion = 0 } = tracking;
    const { movePosition, addPosition } = this.#statements;
    if (movePosition.run(pipelineId, upstreamName, position, mark, expected, typesVersion).changes > 0)
      return true;
    const isFirst = expected === 0 && typesVersion === 0;
    return isFirst && addPosition.run(pipelineId, upstreamName, position, mark).changes > 0;
  }

  /** Inserts an event and returns true if its version is the next version. */
  #insert(statement: StatementSync, pipelineId: number, id: number, event: StoredEvent): boolean {
    const { originatorId, originatorVersion, type, data, timestamp } = event;
    const { dependencies, cause, correlationId, metadata } = event;
    const { changes } = statement.run(
      pipelineId,
      id,
      originatorId,
      originatorVersion,
      type,
      data,
      timestamp,
      dependenciesText(dependencies),
      cause?.applicationName ?? null,
      causePipelineColumn(cause, pipelineId),
      cause?.notificationId ?? null,
      correlationId === undefined ? null : correlationDigits(correlationId),
      metadata ?? null,
    );
    return changes > 0;
  }

  /** Explains, in the transaction, why an event was not inserted. */
  #refusal(pipelineId: number, id: number, event: StoredEvent): Error {
    const { originatorId, originatorVersion } = event;
    const newest = Number(row(this.#statements.newestVersion, originatorId)?.[0]);
    if (originatorVersion !== newest + 1) return new Refusal(() => this.#recordConflict(event));
    this.#insert(this.#database.prepare(insertStrictly(this.#file.tables)), pipelineId, id, event); // throws what the constraint says
    const reason = `a trigger of its table ignores version ${originatorVersion} of aggregate '${originatorId}'.`;
    return storageError('STORAGE_REFUSED', this.#file, reason);
  }

  putSnapshots(snapshots: readonly StoredSnapshot[]): void {
    for (const { originatorId, originatorVersion, schema, state } of snapshots) {
      this.#statements.putSnapshot.run(originatorId, originatorVersion, schema, state);
    }
  }

  /**
   * Replaces the handled types if their version is the expected one, and returns the new version.
   *
   * @throws {@link Refusal} if it is another version.
   */
  setHandledTypes(
    pipelineId: number,
    upstreamName: string,
    expectedVersion: number,
    types: readonly string[],
  ): number {
    const { setTypes } = this.#statements;
    const { changes } = setTypes.run(pipelineId, upstreamName, typesText(types), expectedVersion);
    if (changes > 0) return expectedVersion + 1;
    throw new Refusal(() => {
      const { position } = this.position(pipelineId, upstreamName);
      return this.#positionConflict(pipelineId, upstreamName, { position, typesVersion: expectedVersion });
    });
  }

  #recordConflict({ originatorId, originatorVersion }: StoredEvent): RecordConflictError {
    const current = Number(row(this.#statements.newestVersion, originatorId)?.[0]);
    return new RecordConflictError(this.#file.applicationName, originatorId, originatorVersion, current);
  }

  #addOperation({ timestamp, kind, by, reason, details }: StoredOperation): void {
    this.#statements.addOperation.run(timestamp, kind, by, reason, details);
  }

  /** Reads a position. */
  position(pipelineId: number, upstreamName: string): RecordedPosition {
    const found = row(this.#statements.position, pipelineId, upstreamName);
    return found === undefined
      ? { pipelineId, upstreamName, position: 0, typesVersion: 0 }
      : toPosition(found, this.#file);
  }

  #positionConflict(
    pipelineId: number,
    upstreamName: string,
    expected: PositionState,
  ): PositionConflictError {
    const actual = this.position(pipelineId, upstreamName);
    return new PositionConflictError(this.#file.applicationName, upstreamName, expected, actual);
  }

  get #file(): ApplicationFile {
    return this.#session.file;
  }

  get #database(): DatabaseSync {
    return this.#session.database;
  }

  get #statements(): Statements {
    return this.#session.statements;
  }
}
