import type { Cause } from '../../domain/provenance.ts';
import type { StoredNotification } from '../stored-event.ts';

const namePattern = /^[A-Za-z][\w.-]*$/;
const foreignPattern = /^(.+)@([A-Za-z][\w.-]*)$/su;

/** Whether a value is a name by which other systems can know a system. */
export function isSystemName(value: unknown): value is string {
  return typeof value === 'string' && namePattern.test(value);
}

/** The log of an application of a system. */
export interface SystemLog {
  readonly applicationName: string;
  readonly system: string;
}

/** Returns the name that the log of an application has in all other systems, such as `orders@shop`. */
export function foreignName({ applicationName, system }: SystemLog): string {
  return `${applicationName}@${system}`;
}

/** Returns the log that another system knows by a name; undefined for a name without a system. */
export function foreignLog(name: string): SystemLog | undefined {
  const [, applicationName, system] = foreignPattern.exec(name) ?? [];
  return applicationName === undefined || system === undefined ? undefined : { applicationName, system };
}

/** A cause as it is served. */
export interface ServedCause extends Cause {
  /** Name of the system in whose log the cause is. @default the system that serves it */
  readonly system?: string;
}

/** Names of a system, as others know it and as it knows them itself. */
export interface OwnNames {
  /** Name of the system; undefined if it has none, so that no other system can follow it. */
  readonly system: string | undefined;
  /** Names of its applications by the names under which they are recorded. */
  readonly current: ReadonlyMap<string, string>;
}

/** Returns a notification that a system serves, with the name that its cause has in the system that reads it. */
export function withLocalCause(
  notification: StoredNotification,
  servedBy: string,
  own: OwnNames,
): StoredNotification {
  const served = notification.cause as ServedCause | undefined;
  if (served === undefined) return notification;
  const { applicationName, system = servedBy, pipelineId, notificationId } = served;
  const name = system === own.system ? applicationName : foreignName({ applicationName, system });
  return {
    ...notification,
    cause: { applicationName: own.current.get(name) ?? name, pipelineId, notificationId },
  };
}
