import type { ParkedContent, ParkedKey } from '../../storage/parked.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { NotificationParkedError } from './errors.ts';
import { parkedReasonOf } from './parked-reason.ts';
import { readParked } from './parked-set.ts';

/** An application in one pipeline. */
export interface ParkingApplication {
  readonly applicationName: string;
  readonly pipelineId: number;
}

/** Returns the error for callers that wait for what follows from a parked notification. */
export function parkedError(
  { applicationName, pipelineId }: ParkingApplication,
  { upstreamName, notificationId }: ParkedKey,
  content: Pick<ParkedContent, 'reason'> | undefined,
): NotificationParkedError {
  const parked = { applicationName, upstreamName, pipelineId, notificationId };
  return new NotificationParkedError(
    parked,
    content === undefined ? 'it is not processed yet' : whyOf(content),
  );
}

/** Finds a parked notification among those that are waited for. */
export async function awaitedParked(
  application: ParkingApplication,
  recorder: Recorder,
  upstreamName: string | undefined,
  isAwaited: (notificationId: number) => boolean,
): Promise<NotificationParkedError | undefined> {
  for await (const parked of readParked(recorder, application.pipelineId, upstreamName))
    if (isAwaited(parked.notificationId)) return parkedError(application, parked, parked);
  return undefined;
}

function whyOf({ reason }: Pick<ParkedContent, 'reason'>): string {
  const { error, behind } = parkedReasonOf(reason);
  if (behind !== undefined)
    return `it is behind notification ${behind.notificationId} of '${behind.upstreamName}', which is parked`;
  return error?.message ?? 'it failed';
}
