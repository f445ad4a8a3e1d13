import type { ParkedContent, ParkedKey } from '../parked.ts';
import type { StoredCommand, StoredOperation } from '../recorder.ts';
import type { StoredEvent, StoredSnapshot } from '../stored-event.ts';

/** What a text is and where it belongs. An encrypted text can be decrypted at its place only. */
export interface TextPlace {
  /** Kind of the text, such as 'data of an event'. */
  readonly content: string;
  readonly [field: string]: string | number;
}

/**
 * Returns what the encryption of a text authenticates besides the text: the fields of its place in their order, which
 * must stay as it is.
 */
export function authenticatedText(form: string, applicationName: string, place: TextPlace): string {
  return JSON.stringify([form, applicationName, ...Object.values(place)]);
}

export function placeOfData(event: StoredEvent): TextPlace {
  return placeInEvent('data of an event', event);
}

export function placeOfMetadata(event: StoredEvent): TextPlace {
  return placeInEvent('metadata of an event', event);
}

function placeInEvent(content: string, event: StoredEvent): TextPlace {
  const { originatorId, originatorVersion, type, timestamp } = event;
  return { content, originatorId, originatorVersion, type, timestamp };
}

export function placeOfState({ originatorId, originatorVersion, schema }: StoredSnapshot): TextPlace {
  return { content: 'state of a snapshot', originatorId, originatorVersion, schema };
}

export function placeOfMark(pipelineId: number, upstreamName: string): TextPlace {
  return { content: 'mark of a position', pipelineId, upstreamName };
}

/** Place of a field of an operation. Its id is not known when it is encrypted. */
export function placeInOperation(
  field: 'by' | 'reason' | 'details',
  { kind, timestamp }: StoredOperation,
): TextPlace {
  return { content: `${field} of an operation`, kind, timestamp };
}

export function placeInCommand(
  field: 'fingerprint' | 'outcome',
  { key, timestamp }: StoredCommand,
): TextPlace {
  return { content: `${field} of a command`, key, timestamp };
}

export function placeOfParkedReason(
  pipelineId: number,
  { upstreamName, notificationId }: ParkedKey,
  { originatorId, since }: ParkedContent,
): TextPlace {
  return {
    content: 'reason of a parked notification',
    pipelineId,
    upstreamName,
    notificationId,
    originatorId,
    since,
  };
}

export function placeOfSubjectKey(subject: string): TextPlace {
  return { content: 'key of a subject', subject };
}
