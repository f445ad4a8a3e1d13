import type { Recorder } from '../../storage/recorder.ts';
import { foreignLog } from '../../storage/remote/log-names.ts';
import type { NotificationLog } from './notification-log.ts';

/**
 * Asks the servers of upstreams in other systems, side by side, for what a follower reads first. Those that do not answer
 * soon are waited for once, and count as away afterwards. Never rejects: the follower reports what is wrong.
 */
export async function askServers(
  { recorder, pipelineId }: { readonly recorder: Recorder; readonly pipelineId: number },
  upstreams: readonly NotificationLog[],
): Promise<void> {
  const ask = async (log: NotificationLog) => {
    const { position } = await recorder.position(pipelineId, log.applicationName);
    await log.select(Math.max(position - 1, 0), 2); // the last notification that is done, and the next one
  };
  const remote = upstreams.filter(({ applicationName }) => foreignLog(applicationName) !== undefined);
  await Promise.allSettled(remote.map(ask));
}
