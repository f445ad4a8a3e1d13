import { KahnError } from '../../util/errors.ts';
import type { Crash } from './crashing-storage.ts';

/** After a crash, a system has not reached the state of the run without a crash. */
export class CrashNotSurvivedError extends KahnError {
  override readonly code = 'CRASH_NOT_SURVIVED';
  /** Name of the storage. */
  declare readonly storageName: string;
  /** The crash: the first one of the scenario that is not survived. */
  declare readonly crash: Crash;
  /** The first difference: lines of the unbroken run with `-`, of the run with the crash with `+`; undefined for other failures. */
  declare readonly difference: string | undefined;

  constructor(
    storageName: string,
    crash: Crash,
    reason: string,
    options: { readonly difference?: string; readonly cause?: unknown } = {},
  ) {
    const { recording, moment, applicationName, contents } = crash;
    super(
      `The system does not survive a crash ${moment} recording ${recording} on ${storageName}, which is that of ` +
        `'${applicationName}': ${contents}.\n\n${reason}`,
      { ...options, storageName, crash },
    );
  }
}
