import { type ApplicationClass, applicationInternals } from '../../application/application.ts';
import { ownedBinding } from '../../application/application-binding.ts';
import { askServers } from '../../application/log/ask-servers.ts';
import { type NotificationLog, RecordedNotificationLog } from '../../application/log/notification-log.ts';
import { followedLog } from '../../application/log/sectioned-log.ts';
import { openStore } from '../../application/open-store.ts';
import {
  type ProcessApplication,
  processApplicationInternals,
} from '../../application/process-application.ts';
import { openResources } from '../../application/resources/open-resources.ts';
import type { Recorder } from '../../storage/recorder.ts';
import { openStorage, type StorageDescription } from '../../storage/storage.ts';
import { intermediatesOf } from '../../system/graph.ts';
import { layersOf, recordingOptions } from '../../system/system.ts';
import { loadSystem, type SystemAddress } from '../../system/system-module.ts';
import type { Assignment } from '../assignment.ts';

/** Plain data with which a worker opens its application. */
export interface OpeningTask {
  readonly address: SystemAddress;
  readonly storage: StorageDescription;
  readonly writerId: string;
  readonly batchSize: number;
  readonly cacheSize: number;
  readonly useDirectQueryIfAvailable: boolean;
}

/**
 * Opens an application in a worker, and makes it follow the logs of its upstreams.
 *
 * @param signal Aborted when the worker must end.
 */
export async function openApplication(
  { address, storage, writerId, batchSize, cacheSize, useDirectQueryIfAvailable }: OpeningTask,
  { applicationName, pipelineId, upstreamNames }: Assignment,
  opened: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<ProcessApplication> {
  const system = await loadSystem(address);
  const classOf = (name: string) =>
    system.applications.find((one) => one.applicationName === name) as ApplicationClass;
  const applicationClass = classOf(applicationName);
  const application = new applicationClass() as ProcessApplication; // a ProcessApplication, because it follows others
  const openedStorage = await openStorage(storage, { writerId, layers: layersOf(system) });
  opened.defer(() => openedStorage.close());
  const store = await openStore(applicationClass, openedStorage, {
    setupTables: false,
    pipelineId,
    cacheSize,
    ...recordingOptions(system),
  });
  opened.defer(() => store.recorder.close());
  const resources = opened.use(await openResources(system.resources, { signal }));
  applicationInternals.bind(application, ownedBinding(store, undefined, resources.values));
  const openRecorder = async (name: string) => {
    const recorder = await openedStorage.openRecorder({ applicationName: name, setupTables: false });
    opened.defer(() => recorder.close());
    return recorder;
  };
  const intermediates = new Map<string, Recorder>();
  for (const name of intermediatesOf(system.graph, applicationName))
    intermediates.set(name, await openRecorder(name));
  processApplicationInternals.setIntermediates(application, intermediates);
  const logs: NotificationLog[] = [];
  for (const upstreamName of upstreamNames) {
    const recorder = await openRecorder(upstreamName);
    const { emits, sectionSize } = classOf(upstreamName);
    const recent = upstreamName === applicationName ? store.recent : undefined;
    const options = { applicationName: upstreamName, pipelineId, emits, recent, sectionSize };
    const log = new RecordedNotificationLog(recorder, options);
    logs.push(log);
    application.follow(followedLog(log, useDirectQueryIfAvailable), batchSize);
  }
  await askServers(store, logs);
  await processApplicationInternals.locate(application);
  return application;
}
