import { isId, isPipelineId } from '../../util/ids.ts';
import { limits } from '../limits.ts';
import { notificationOf } from '../notification.ts';
import type { LogPlace, StoredNotification } from '../stored-event.ts';
import { isSystemName, type ServedCause, type SystemLog } from './log-names.ts';
import { type LogDocument, protocolVersion, type SectionDocument } from './protocol.ts';

/** What an answer must be about. */
export interface Expected extends SystemLog {
  readonly pipelineId: number;
}

/** Reason why an answer is refused. */
export class InvalidDocument {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Returns where a log ends. Throws {@link InvalidDocument}. */
export function logIn(body: unknown, expected: Expected): LogDocument {
  const fields = described(body, expected);
  const { head } = fields;
  if (!isCount(head)) throw new InvalidDocument(`the head ${shown(head)}`);
  return { ...expected, version: protocolVersion, sectionSize: sizeIn(fields), head };
}

/** The part of a section that is asked for. */
export interface SectionRequest extends Expected {
  readonly sectionSize: number;
  /** First notification of the section. */
  readonly first: number;
  /** Id after which notifications are asked for. */
  readonly after: number;
}

/** Returns the notifications of a section, which are contiguous. Throws {@link InvalidDocument}. */
export function sectionIn(
  body: unknown,
  { sectionSize, first, after, ...expected }: SectionRequest,
): Pick<SectionDocument, 'items' | 'isCut'> {
  const fields = described(body, expected);
  if (sizeIn(fields) !== sectionSize) throw new InvalidDocument('sections of another size than before');
  const last = first + sectionSize - 1;
  const { id, items, isCut } = fields;
  if (id !== `${first},${last}`)
    throw new InvalidDocument(`the section ${shown(id)} in place of '${first},${last}'`);
  if (!Array.isArray(items)) throw new InvalidDocument('a section without notifications');
  if (items.length > last - after)
    throw new InvalidDocument(`${items.length} notifications after ${after} in it`);
  const notifications = items.map((item: unknown, index) => notificationIn(item, after + 1 + index));
  assertVersionsAscend(notifications);
  return { items: notifications, ...(isCut === true && { isCut }) };
}

/** Returns the fields of a document that describes the expected log. */
function described(body: unknown, { system, applicationName, pipelineId }: Expected): Fields {
  const fields = fieldsOf(body, 'an answer');
  if (fields.version !== protocolVersion)
    throw new InvalidDocument(`the version ${shown(fields.version)} in place of ${protocolVersion}`);
  if (fields.system !== system)
    throw new InvalidDocument(`a log of the system ${shown(fields.system)} in place of '${system}'`);
  if (fields.applicationName !== applicationName || fields.pipelineId !== pipelineId)
    throw new InvalidDocument(
      `the log of ${shown(fields.applicationName)} in pipeline ${shown(fields.pipelineId)}, which was not asked for`,
    );
  return fields;
}

function sizeIn({ sectionSize }: Fields): number {
  if (isCount(sectionSize) && sectionSize >= 1 && sectionSize <= 10_000) return sectionSize;
  throw new InvalidDocument(`the section size ${shown(sectionSize)}`);
}

function notificationIn(item: unknown, expectedId: number): StoredNotification {
  const fields = fieldsOf(item, `notification ${expectedId}`);
  const { id, originatorId, originatorVersion, type, data, timestamp } = fields;
  const { dependencies, cause, correlationId, metadata } = fields;
  if (id !== expectedId) throw new InvalidDocument(`notification ${shown(id)} in place of ${expectedId}`);
  const wrong = (name: string) => new InvalidDocument(`the ${name} of notification ${expectedId}`);
  if (!isName(originatorId)) throw wrong('originatorId');
  if (!isCount(originatorVersion) || originatorVersion < 1 || originatorVersion > limits.version)
    throw wrong('originatorVersion');
  if (!isName(type)) throw wrong('type');
  if (!isText(data)) throw wrong('data');
  if (!Number.isSafeInteger(timestamp) || Math.abs(Number(timestamp)) > limits.timestamp)
    throw wrong('timestamp');
  if (metadata !== undefined && !isText(metadata)) throw wrong('metadata');
  if (correlationId !== undefined && !isName(correlationId)) throw wrong('correlationId');
  const event = {
    originatorId,
    originatorVersion,
    type,
    data,
    timestamp: Number(timestamp),
    ...(dependencies !== undefined && { dependencies: placesIn(dependencies, () => wrong('dependencies')) }),
    ...(cause !== undefined && { cause: causeIn(cause, () => wrong('cause')) }),
    ...(correlationId !== undefined && { correlationId }),
    ...(metadata !== undefined && { metadata }),
  };
  return notificationOf(event, expectedId);
}

/** Throws {@link InvalidDocument} if two events of an aggregate are in the wrong order, or have the same version. */
function assertVersionsAscend(notifications: readonly StoredNotification[]): void {
  const versions = new Map<string, number>();
  for (const { id, originatorId, originatorVersion } of notifications) {
    if (originatorVersion <= (versions.get(originatorId) ?? 0))
      throw new InvalidDocument(
        `the originatorVersion ${originatorVersion} of notification ${id} after a later one`,
      );
    versions.set(originatorId, originatorVersion);
  }
}

function causeIn(value: unknown, wrong: () => InvalidDocument): ServedCause {
  const { applicationName, system, ...place } = fieldsOf(value, 'a cause');
  if (!isName(applicationName) || (system !== undefined && !isSystemName(system))) throw wrong();
  return { applicationName, ...placeIn(place, wrong), ...(system !== undefined && { system }) };
}

function placesIn(value: unknown, wrong: () => InvalidDocument): readonly LogPlace[] {
  if (!Array.isArray(value)) throw wrong();
  return value.map((one) => placeIn(one, wrong));
}

function placeIn(value: unknown, wrong: () => InvalidDocument): LogPlace {
  const { pipelineId, notificationId } = fieldsOf(value, 'a place');
  if (!isPipelineId(pipelineId) || !isCount(notificationId) || notificationId < 1) throw wrong();
  return { pipelineId, notificationId };
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new InvalidDocument(`${what} that is no object`);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.isWellFormed();
}

/** Whether a value is a name, an id or a type that can be recorded. */
function isName(value: unknown): value is string {
  return isId(value) && Buffer.byteLength(value) <= limits.nameBytes;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Shows a value of the server, which may be long. */
function shown(value: unknown): string {
  return `${JSON.stringify(value) ?? value}`.slice(0, 100);
}
