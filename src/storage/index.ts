import '../util/environment/node-version.ts';

export type { Cause } from '../domain/provenance.ts';
export {
  InvalidStorageError,
  isTransient,
  KeyConflictError,
  ParkedConflictError,
  PositionConflictError,
  type PositionState,
  RecordConflictError,
  RowsError,
  type RowsErrorCode,
  StorageError,
  type StorageErrorCode,
} from './errors.ts';
export { InvalidTimestampError, LimitExceededError, type LimitedValue } from './limits.ts';
export type {
  ParkedChange,
  ParkedContent,
  ParkedCount,
  ParkedKey,
  ParkedNotification,
  ParkedRequest,
} from './parked.ts';
export type { Prompt } from './prompt.ts';
export type {
  EventKey,
  History,
  HistoryRequest,
  ProcessEvent,
  RecordedOperation,
  RecordedPosition,
  RecordedRows,
  Recorder,
  RowsKind,
  StoredCommand,
  StoredOperation,
  Tracking,
  TypeCounts,
  WriteLock,
} from './recorder.ts';
export {
  type LogListener,
  type OpenedStorage,
  type OpenStorageOptions,
  openStorage,
  type RecorderOptions,
  type StorageDescription,
  type StorageLayer,
  type StorageModule,
  type StorageOptions,
  type StorageOptionValue,
  type SubjectKeysOptions,
} from './storage.ts';
export type {
  LogPlace,
  StoredEvent,
  StoredNotification,
  StoredProvenance,
  StoredSnapshot,
} from './stored-event.ts';
export type { DeletedSubject, SubjectEntry, SubjectKey, SubjectKeyTable } from './subject-keys.ts';
