import { KahnError } from '../../util/errors.ts';

/** A snapshot was not taken, because the state of the aggregate cannot be restored exactly. */
export class SnapshotNotEncodableError extends KahnError {
  override readonly code = 'SNAPSHOT_NOT_ENCODABLE';
  declare readonly applicationName: string;
  /** Name of the class of the aggregate. */
  declare readonly className: string;
  /** Id of the aggregate; undefined if no aggregate of the class can be restored. */
  declare readonly originatorId: string | undefined;
  /** Path to the part of the state, such as `lines[2].price`; empty for all of it. */
  declare readonly path: string;

  constructor(
    failure: Pick<SnapshotNotEncodableError, 'applicationName' | 'className' | 'originatorId' | 'path'>,
    reason: string,
    cause?: unknown,
  ) {
    const { applicationName, className, originatorId, path } = failure;
    const which =
      originatorId === undefined
        ? `snapshots of ${className}`
        : `a snapshot of ${className} '${originatorId}'`;
    super(`Application '${applicationName}' cannot take ${which}. ${reason}`, {
      applicationName,
      className,
      originatorId,
      path,
      ...(cause !== undefined && { cause }),
    });
  }
}
