import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import { openStore } from '../../application/application-binding.ts';
import { RecordedNotificationLog } from '../../application/log/notification-log.ts';
import type { ProcessApplication } from '../../application/process-application.ts';
import { openStorage, type Persistence } from '../../storage/storage.ts';
import { findSystem, type SystemAddress } from '../../system/system-module.ts';
import type { Role } from './assignment.ts';

/** By what a thread or process opens the applications of a system: plain data. */
export interface OpeningTask {
  readonly address: SystemAddress;
  readonly persistence: Persistence;
  readonly writerId: string;
  readonly batchSize: number | undefined;
  readonly cacheSize: number | undefined;
}

/** Opens, in a thread or process, an application that follows its upstreams' logs. */
export async function openApplication(
  { address, persistence, writerId, batchSize, cacheSize }: OpeningTask,
  { applicationName, pipelineId, upstreamNames }: Role,
  opened: AsyncDisposableStack,
): Promise<ProcessApplication> {
  const { applications, types } = await findSystem(address);
  const kind = applications.find((one) => one.applicationName === applicationName) as ApplicationClass;
  const application = new kind() as ProcessApplication; // as in the graph, which is the same here
  const storage = await openStorage(persistence, writerId);
  opened.defer(() => storage.close());
  const storeOptions = {
    setupTables: false,
    pipelineId,
    types,
    ...(cacheSize !== undefined && { cacheSize }),
  };
  const store = await openStore(kind, storage, storeOptions);
  opened.defer(() => store.recorder.close());
  const turn = (commit: () => Promise<void>) => commit();
  applicationInternals.bind(application, {
    store,
    turn,
    belongsToRunner: true,
    mayChangePipeline: false,
    release: async () => {},
  });
  for (const upstreamName of upstreamNames) {
    const recorder = await storage.openRecorder({ applicationName: upstreamName, setupTables: false });
    opened.defer(() => recorder.close());
    application.follow(new RecordedNotificationLog(recorder, upstreamName, pipelineId), batchSize);
  }
  return application;
}
