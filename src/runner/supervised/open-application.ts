import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import { ownedBinding } from '../../application/application-binding.ts';
import { RecordedNotificationLog } from '../../application/log/notification-log.ts';
import { openStore } from '../../application/open-store.ts';
import type { ProcessApplication } from '../../application/process-application.ts';
import { openStorage, type StorageDescription } from '../../storage/storage.ts';
import { loadSystem, type SystemAddress } from '../../system/system-module.ts';
import type { Assignment } from './assignment.ts';

/** By what a thread or process opens the applications of a system: plain data. */
export interface OpeningTask {
  readonly address: SystemAddress;
  readonly storage: StorageDescription;
  readonly writerId: string;
  readonly batchSize: number | undefined;
  readonly cacheSize: number | undefined;
}

/** Opens, in a thread or process, an application that follows its upstreams' logs. */
export async function openApplication(
  { address, storage, writerId, batchSize, cacheSize }: OpeningTask,
  { applicationName, pipelineId, upstreamNames }: Assignment,
  opened: AsyncDisposableStack,
): Promise<ProcessApplication> {
  const { applications, types } = await loadSystem(address);
  const kind = applications.find((one) => one.applicationName === applicationName) as ApplicationClass;
  const application = new kind() as ProcessApplication; // as in the graph, which is the same here
  const openedStorage = await openStorage(storage, writerId);
  opened.defer(() => openedStorage.close());
  const storeOptions = {
    setupTables: false,
    pipelineId,
    types,
    ...(cacheSize !== undefined && { cacheSize }),
  };
  const store = await openStore(kind, openedStorage, storeOptions);
  opened.defer(() => store.recorder.close());
  applicationInternals.bind(application, ownedBinding(store));
  for (const upstreamName of upstreamNames) {
    const recorder = await openedStorage.openRecorder({ applicationName: upstreamName, setupTables: false });
    opened.defer(() => recorder.close());
    application.follow(new RecordedNotificationLog(recorder, upstreamName, pipelineId), batchSize);
  }
  return application;
}
