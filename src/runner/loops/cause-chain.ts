import type { Cause } from '../../domain/provenance.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';

/** Returns the recorder of an application; undefined if it is not known. */
export type RecorderOf = (
  applicationName: string,
) => Pick<Recorder, 'causes' | 'head' | 'notifications'> | Promise<Recorder> | undefined;

/** Number of causes that are read at once: in a loop, the next hops through a log are next to each other. */
const pageSize = 32;

/** Causes of notifications next to each other in one log. */
interface Page {
  readonly after: number;
  readonly causes: readonly (Cause | undefined)[];
}

/**
 * Returns a notification, its cause, the cause of that, and so on, up to `mostHops` hops. Reads the logs, and yields to
 * the event loop.
 */
export async function causeChain(
  from: Cause,
  mostHops: number,
  recorderOf: RecorderOf,
): Promise<readonly Cause[]> {
  const pages = new Map<string, Page>();
  const chain: Cause[] = [];
  for (let place: Cause | undefined = from; place !== undefined && chain.length <= mostHops; ) {
    chain.push(place);
    place = await causeOf(place, pages, recorderOf);
    await yieldIfBusy();
  }
  return chain;
}

async function causeOf(
  { applicationName, pipelineId, notificationId }: Cause,
  pages: Map<string, Page>,
  recorderOf: RecorderOf,
): Promise<Cause | undefined> {
  const key = `${pipelineId} ${applicationName}`;
  const known = pages.get(key);
  const index = notificationId - 1 - (known?.after ?? notificationId);
  if (known !== undefined && index >= 0 && index < known.causes.length) return known.causes[index];
  const recorder = await recorderOf(applicationName);
  if (recorder === undefined) return undefined;
  const after = Math.max(0, notificationId - pageSize);
  const causes = await recorder.causes(pipelineId, after, notificationId - after);
  pages.set(key, { after, causes });
  return causes[notificationId - 1 - after];
}
