import '../util/environment/node-version.ts';

export type { Cause } from '../domain/provenance.ts';
export {
  InvalidStorageError,
  isTransient,
  PositionConflictError,
  type PositionState,
  RecordConflictError,
  StorageError,
  type StorageErrorCode,
} from './errors.ts';
export { InvalidTimestampError, LimitExceededError, type LimitedValue } from './limits.ts';
export type { Prompt } from './prompt.ts';
export type {
  EventKey,
  History,
  HistoryRequest,
  ProcessEvent,
  RecordedOperation,
  RecordedPosition,
  Recorder,
  StoredOperation,
  Tracking,
  WriteLock,
} from './recorder.ts';
export {
  type LogListener,
  type OpenedStorage,
  openStorage,
  type RecorderOptions,
  type StorageDescription,
  type StorageModule,
  type StorageOptions,
  type StorageOptionValue,
} from './storage.ts';
export type {
  LogPlace,
  StoredEvent,
  StoredNotification,
  StoredProvenance,
  StoredSnapshot,
} from './stored-event.ts';
