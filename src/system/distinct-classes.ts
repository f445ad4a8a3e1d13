import type { ApplicationClass } from '../application/application.ts';
import { recordedNameOf } from '../application/declaration.ts';
import type { RemoteSource } from '../storage/remote/remote-log.ts';
import { InvalidSystemError } from './errors.ts';

/**
 * Returns the classes of a system, each once.
 *
 * @throws {@link InvalidSystemError} if two of them have the same name or log.
 */
export function distinctClasses(classes: readonly ApplicationClass[]): ApplicationClass[] {
  const byName = new Map<string, ApplicationClass>();
  for (const applicationClass of classes) {
    const known = byName.get(applicationClass.applicationName);
    if (known !== undefined && known !== applicationClass) {
      throw new InvalidSystemError(
        `Classes ${known.name} and ${applicationClass.name} both have the applicationName '${applicationClass.applicationName}': ` +
          'their logs would mix, so give one of them another name.',
      );
    }
    byName.set(applicationClass.applicationName, applicationClass);
  }
  const distinct = [...byName.values()];
  assertDistinctLogs(distinct, byName);
  return distinct;
}

/** Throws {@link InvalidSystemError} unless all applications of remote() are in other systems than the one of a name. */
export function assertOthers(classes: readonly ApplicationClass[], name: string): void {
  for (const { applicationName, remote } of classes) {
    if ((remote as RemoteSource | undefined)?.log.system !== name) continue;
    throw new InvalidSystemError(
      `Application '${applicationName}' of remote() is in the system '${name}', which is the name of this system, too: give ` +
        "them different names, as in System.of([...], { name: 'office' }).",
    );
  }
}

/** Checks that no two applications share a log, and that no log has the name of another application. */
function assertDistinctLogs(
  classes: readonly ApplicationClass[],
  byName: ReadonlyMap<string, ApplicationClass>,
): void {
  const byLog = new Map<string, ApplicationClass>();
  for (const applicationClass of classes) {
    const recordedAs = recordedNameOf(applicationClass);
    const other = byLog.get(recordedAs) ?? byName.get(recordedAs);
    if (other !== undefined && other !== applicationClass) {
      throw new InvalidSystemError(
        `Class ${applicationClass.name} is recorded as '${recordedAs}', which is ` +
          `${other.applicationName === recordedAs ? 'the name' : 'the log'} of class ${other.name}: give one of them another name.`,
      );
    }
    byLog.set(recordedAs, applicationClass);
  }
}
