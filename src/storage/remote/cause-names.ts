import type { Cause } from '../../domain/provenance.ts';
import type { StoredNotification } from '../stored-event.ts';

/** A cause as it is served: it may stand in a log that its system reads from another one. */
export interface ServedCause extends Cause {
  readonly isRemote?: true;
}

/** Names that mean the same in the system that serves a log and in the one that follows it. */
export interface SharedNames {
  /** Names of all applications of the system that follows, which the other system may follow in turn. */
  readonly own: ReadonlySet<string>;
  /** Names of the applications that it follows at the same server. */
  readonly ofServer: ReadonlySet<string>;
  /** Host of the server. */
  readonly host: string;
}

/**
 * Returns a notification whose cause has a name that cannot be confused. An application of the other system that is not
 * followed here may have the name of one of this system: its name is followed by `@` and the host.
 */
export function withSharedName(notification: StoredNotification, names: SharedNames): StoredNotification {
  const cause = notification.cause as ServedCause | undefined;
  if (cause === undefined) return notification;
  const { applicationName, pipelineId, notificationId, isRemote } = cause;
  const isShared = isRemote === true ? names.own.has(applicationName) : names.ofServer.has(applicationName);
  const name = isShared ? applicationName : `${applicationName}@${names.host}`;
  return { ...notification, cause: { applicationName: name, pipelineId, notificationId } };
}
