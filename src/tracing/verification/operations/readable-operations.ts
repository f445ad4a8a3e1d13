import { ForwardingRecorder } from '../../../storage/layers/forwarding-recorder.ts';
import type { RecordedOperation } from '../../../storage/recorder.ts';

/** Details of operations, as far as they are checked. */
export interface CheckedDetails {
  readonly pipelineId: number;
  readonly upstreamName: string;
  readonly notificationId: number;
  readonly to: number;
  readonly ownHead: number;
  readonly after: number;
  readonly effects: number;
  /** Id of a replay. */
  readonly id: string;
  readonly notifications: readonly { readonly upstreamName: string; readonly notificationId: number }[];
}

/** Fields that operations of a kind have. */
const fieldsOf: Readonly<Record<string, readonly (keyof CheckedDetails)[]>> = {
  begin: ['pipelineId', 'upstreamName', 'to'],
  reposition: ['pipelineId', 'upstreamName', 'to', 'ownHead'],
  reset: ['pipelineId', 'upstreamName', 'to', 'ownHead'],
  replay: ['id', 'pipelineId', 'upstreamName', 'to', 'ownHead'],
  'replay-end': ['id', 'pipelineId', 'ownHead'],
  retry: ['pipelineId', 'notifications'],
  retried: ['pipelineId', 'upstreamName', 'notificationId', 'effects', 'after'],
};

const isOfType: Readonly<Record<keyof CheckedDetails, (value: unknown) => boolean>> = {
  pipelineId: Number.isInteger,
  upstreamName: isText,
  notificationId: Number.isInteger,
  to: Number.isInteger,
  ownHead: Number.isInteger,
  after: Number.isInteger,
  effects: Number.isInteger,
  id: isText,
  notifications: Array.isArray,
};

/** Returns the details of an operation, with all fields of its kind; undefined if they cannot be read. */
export function checkedDetailsOf({ kind, details }: RecordedOperation): CheckedDetails | undefined {
  try {
    const read = JSON.parse(details) as CheckedDetails;
    const isWhole = (fieldsOf[kind] ?? []).every((field) => isOfType[field](read[field]));
    return typeof read === 'object' && isWhole ? read : undefined;
  } catch {
    return undefined;
  }
}

/** Recorder whose unreadable operations have no kind, so that they are passed over. */
export class ReadableOperations extends ForwardingRecorder {
  override async operations(after: number, limit: number): Promise<readonly RecordedOperation[]> {
    const operations = await super.operations(after, limit);
    return operations.map((one) =>
      checkedDetailsOf(one) === undefined ? { ...one, kind: 'unreadable', details: '{}' } : one,
    );
  }
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}
