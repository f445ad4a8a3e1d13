import { inspect } from 'node:util';
import { storedTypesOf } from '../domain/events/define-events.ts';
import { hasVersion } from '../domain/events/stored-type.ts';
import { assertNameLength } from '../storage/limits.ts';
import type { RowsKind } from '../storage/recorder.ts';
import { kindOf } from '../util/errors.ts';
import { assertId, isId } from '../util/ids.ts';
import { assertErrorDeclaration } from './error-rules/declared-rules.ts';
import type { ErrorRule, ParkingOptions } from './error-rules/error-rule.ts';
import { InvalidApplicationError } from './errors.ts';
import { NotificationLogReader, type NotificationLogReaderClass } from './log/notification-log-reader.ts';
import { isPlaceInLog, placeText, shownPlace } from './log/place-in-log.ts';
import { isSectionSize, largestSectionSize } from './log/sections.ts';
import { assertNoneMisspelt } from './misspelt-statics.ts';
import {
  assertProjection,
  isProjection,
  type ProjectionDeclaration,
} from './projection/projection-declaration.ts';
import type { Beginnings } from './replaying/beginning.ts';

/** The static properties of an application class. */
export interface ApplicationDeclaration {
  /** Name of the class, for messages. */
  readonly name: string;
  /** Durable name of the log. To change it once events are recorded, keep the earlier name as `recordedAs`. */
  readonly applicationName: string;
  /**
   * Name under which storage keeps the log, the positions and the causes of the application, if it was renamed: the
   * `applicationName` that it had first.
   *
   * @default `applicationName`
   */
  readonly recordedAs?: string;
  /** Types of all events that the application may record, and of those in its log that it does not trigger any more. */
  readonly emits: readonly string[];
  /**
   * Types of the events that `save()` records, all of them in `emits`. A save with an event of another type is refused:
   * the policy alone records it.
   *
   * @default all types in `emits`
   */
  readonly saves?: readonly string[];
  /**
   * Whether events carry their dependencies in other pipelines, so that followers process the dependencies first. Costs
   * one more read for each transaction.
   *
   * @default false
   */
  readonly causalDependencies?: boolean;
  /**
   * Whether the policy also handles the events that it makes, first in first out. All of them are recorded together, with
   * the position behind the notification that started them. An application with this property does not follow itself.
   *
   * @default false
   */
  readonly applyPolicyToGeneratedEvents?: boolean;
  /**
   * Kind of the rows that the policy records with `context.rows()`: `sqliteRows` of `kahn/sqlite` or `postgresRows` of
   * `kahn/postgres`.
   *
   * @default none
   */
  readonly rows?: RowsKind;
  /**
   * Where the application begins in the log of an upstream that it has never followed: `'start'`, `'end'` or a time, for
   * all upstreams or by their names, as in `{ orders: 'end' }`. It is decided once, when a runner first starts the
   * application, and recorded: later changes have no effect. Events before the beginning count as processed.
   *
   * @default 'start'
   */
  readonly begins?: Beginnings;
  /** Number of notifications in a section of the log, up to 10,000. @default 20 */
  readonly sectionSize?: number;
  /** Class of the readers that `reader()` makes: a subclass of NotificationLogReader. @default `NotificationLogReader` */
  readonly readerClass?: NotificationLogReaderClass;
  /** Where another system serves the log; set by `remote()`. @internal */
  readonly remote?: object;
  /**
   * What happens to a notification on which the policy fails: retry, park or stop. The first rule that matches applies.
   *
   * @default none: the application stops
   */
  readonly errorRules?: readonly ErrorRule[];
  /**
   * How notifications are parked, by the rules that do so.
   *
   * @default `{ byAggregate: true, limit: 1_000 }`
   */
  readonly parking?: ParkingOptions;
  /**
   * Longest time that the policy may take for one event, in ms. Then `context.signal` is aborted, and the policy fails with
   * {@link HandlerTimeoutError}. Code that never yields to the event loop cannot be interrupted.
   *
   * @default no limit
   */
  readonly handlerTimeoutMs?: number;
}

/** The static properties that users declare. */
const declared = [
  'applicationName',
  'recordedAs',
  'emits',
  'saves',
  'causalDependencies',
  'applyPolicyToGeneratedEvents',
  'rows',
  'begins',
  'sectionSize',
  'readerClass',
  'errorRules',
  'parking',
  'handlerTimeoutMs',
] as const satisfies readonly (keyof ApplicationDeclaration)[];
const declaredByProjections = [
  'schema',
  'tables',
  'buildShare',
  'dropAfterMs',
] as const satisfies readonly (keyof ProjectionDeclaration)[];

/**
 * @throws {@link InvalidApplicationError} if a static property is missing or invalid.
 * @throws {@link LimitExceededError} if the name or an event type is too long.
 */
export function assertDeclared(declaration: ApplicationDeclaration): void {
  const { applicationName, emits, saves, rows } = declaration;
  const name = declaration.name || '(anonymous)';
  if (applicationName === undefined) {
    throw new InvalidApplicationError(
      `Class ${name} needs 'static readonly applicationName', the durable name of its log.`,
    );
  }
  assertId(applicationName, `'static readonly applicationName' of class ${name}`);
  if (!Array.isArray(emits) || !emits.every(isId)) {
    throw new InvalidApplicationError(
      `Class ${name} needs 'static readonly emits', an array of the types of the events it records.`,
    );
  }
  assertNameLength(applicationName, 'applicationName', applicationName);
  const recordedAs = recordedNameOf(declaration);
  assertId(recordedAs, `'static readonly recordedAs' of class ${name}`);
  assertNameLength(applicationName, 'applicationName', recordedAs);
  for (const type of storedTypesOf(emits)) assertNameLength(applicationName, 'eventType', type);
  const versioned = emits.find(hasVersion);
  if (versioned !== undefined) {
    throw new InvalidApplicationError(
      `Class ${name} lists '${versioned}' in 'static readonly emits', but '@' and digits stand for the version of a type. ` +
        'Choose another name, or define versions of a type with defineEvents().',
    );
  }
  if (saves !== undefined) assertSaves(name, saves, emits);
  assertRows(name, rows);
  if (declaration.begins !== undefined) assertBegins(name, declaration.begins);
  assertReading(name, declaration);
  assertErrorDeclaration(name, declaration);
  for (const property of ['causalDependencies', 'applyPolicyToGeneratedEvents'] as const) {
    const { [property]: value = false } = declaration;
    if (typeof value === 'boolean') continue;
    throw new InvalidApplicationError(
      `Expected 'static readonly ${property}' of class ${name} to be true or false, got ${String(value)}.`,
    );
  }
  if (isProjection(declaration)) assertProjection(declaration);
  assertNoneMisspelt(
    declaration,
    isProjection(declaration) ? [...declared, ...declaredByProjections] : declared,
  );
}

function assertReading(name: string, { sectionSize, readerClass }: ApplicationDeclaration): void {
  if (sectionSize !== undefined && !isSectionSize(sectionSize)) {
    throw new InvalidApplicationError(
      `Expected 'static readonly sectionSize' of class ${name} to be an integer from 1 to ${largestSectionSize}, got ` +
        `${inspect(sectionSize)}.`,
    );
  }
  if (readerClass === undefined || readerClass === NotificationLogReader) return;
  if (typeof readerClass === 'function' && readerClass.prototype instanceof NotificationLogReader) return;
  throw new InvalidApplicationError(
    `Expected 'static readonly readerClass' of class ${name} to be a class that extends NotificationLogReader, got ` +
      `${kindOf(readerClass)}.`,
  );
}

function assertRows(name: string, rows: unknown): void {
  if (rows === undefined || isId((rows as Partial<RowsKind> | null)?.driver)) return;
  throw new InvalidApplicationError(
    `Expected 'static readonly rows' of class ${name} to be sqliteRows of kahn/sqlite or postgresRows of kahn/postgres, ` +
      `got ${kindOf(rows)}.`,
  );
}

function assertSaves(name: string, saves: unknown, emits: readonly string[]): void {
  if (!Array.isArray(saves)) {
    throw new InvalidApplicationError(
      `Expected 'static readonly saves' of class ${name} to be an array of types in its 'emits', got ${kindOf(saves)}.`,
    );
  }
  for (const type of saves as readonly unknown[]) {
    if (emits.includes(type as string)) continue;
    throw new InvalidApplicationError(
      `'static readonly saves' of class ${name} lists ${inspect(type)}, which its 'static readonly emits' does not list.`,
    );
  }
}

function assertBegins(name: string, begins: unknown): void {
  if (isPlaceInLog(begins)) return;
  const isByName =
    typeof begins === 'object' && begins !== null && Object.getPrototypeOf(begins) === Object.prototype;
  const entries = isByName ? Object.entries(begins) : [];
  const invalid = entries.find(([, place]) => !isPlaceInLog(place));
  if (isByName && invalid === undefined) return;
  const what = invalid === undefined ? '' : ` for '${invalid[0]}'`;
  throw new InvalidApplicationError(
    `Expected 'static readonly begins' of class ${name}${what} to be ${placeText}, got ` +
      `${shownPlace(invalid === undefined ? begins : invalid[1])}. By upstream, write { orders: 'end' }.`,
  );
}

/** Returns the name under which storage keeps the log of an application. */
export function recordedNameOf({ applicationName, recordedAs }: ApplicationDeclaration): string {
  return recordedAs ?? applicationName;
}
