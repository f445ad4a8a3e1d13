import type { ApplicationClass } from '../application/application.ts';
import { RecordedNotificationLog } from '../application/log/notification-log.ts';
import type { Recorder } from '../storage/recorder.ts';
import { openStorage, type StorageDescription } from '../storage/storage.ts';
import { upstreamsOf } from '../system/graph.ts';
import { assertPartOf, assertSystem, layersOf, type System } from '../system/system.ts';
import { assertPipelineId } from '../util/ids.ts';
import { checkedBy, integer, required, ruleOf } from '../util/option-rules.ts';
import { InvalidArgumentError, type OptionRules, resolveOptions } from '../util/options.ts';
import { notificationAt } from './followed-log.ts';
import { movedPosition } from './move-position.ts';
import { recordedText } from './recorded-text.ts';

/** Options of {@link reposition}. */
export interface RepositionOptions<Apps extends ApplicationClass = ApplicationClass> {
  /** Class of the application that is followed. */
  readonly upstream: Apps;
  /** Id of the last notification that counts as processed, up to the head of the log; 0 for none. */
  readonly at: number;
  /** Who moves the position, for the record: 1 to 1,000 characters. */
  readonly by: string;
  /** Why the position is moved, for the record: 1 to 1,000 characters. */
  readonly reason: string;
  /** Pipeline of the log and of the position. @default 0 */
  readonly pipelineId?: number;
}

export const repositionOptions: OptionRules<RepositionOptions, 'pipelineId'> = {
  upstream: required(ruleOf('the class of an application', (value) => typeof value === 'function')),
  at: required(integer({ least: 0 })),
  by: required(recordedText),
  reason: required(recordedText),
  pipelineId: checkedBy(assertPipelineId, 0),
};

/**
 * Moves the position of an application in the log of an upstream, and records who did it and why, in one transaction.
 * Resolves with the position before. Close the runners of the application first.
 *
 * It is the way to continue after {@link LogMismatchError}. With `at` where the position is, or at the head of a shorter
 * log, the application accepts the log as it is now. With a lower `at`, it processes the notifications after that
 * again: what its policy recorded for them before stays. With a higher `at`, it skips notifications.
 *
 * @example
 * const storage = memory();
 * await run(shop.bind(storage)).then((runner) => runner.close());
 * const because = { by: 'ada', reason: 'orders restored from the copy of Monday' };
 * await reposition(storage, shop, Reservations, { upstream: Orders, at: 0, ...because });
 * @throws {@link InvalidOptionError} if an option is missing or unknown, or its value does not fit.
 * @throws {@link InvalidArgumentError} if `system` is not a system, or the application does not follow the upstream.
 * @throws {@link UnknownApplicationError} if a class is not an application of the system.
 * @throws {@link InvalidPositionError} if the log of the upstream has no notification `at`.
 * @throws {@link PositionConflictError} if a runner moves the position meanwhile.
 * @throws {@link InvalidStorageError} if `storage` is not a description of storage.
 * @throws {@link StorageError} if storage fails, or an application has no tables there.
 */
export async function reposition<Apps extends ApplicationClass>(
  storage: StorageDescription,
  system: System<Apps>,
  application: Apps,
  options: RepositionOptions<Apps>,
): Promise<number> {
  const example = 'reposition(storage, shop, Reservations, { upstream: Orders, at: 0, by, reason })';
  assertSystem(system, 'reposition()', example);
  assertPartOf(system, application);
  const given: RepositionOptions = options;
  const { upstream, at, by, reason, pipelineId } = resolveOptions(
    given,
    repositionOptions,
    'reposition()',
    example,
  );
  assertPartOf(system, upstream);
  assertFollows(system, application, upstream, 'reposition()');
  await using opened = new AsyncDisposableStack();
  const openedStorage = await openStorage(storage, { layers: layersOf(system) });
  opened.defer(() => openedStorage.close());
  const open = async ({ applicationName }: ApplicationClass): Promise<Recorder> => {
    const recorder = await openedStorage.openRecorder({ applicationName, setupTables: false });
    opened.defer(() => recorder.close());
    return recorder;
  };
  const recorder = await open(application);
  const { applicationName: upstreamName } = upstream;
  const from = await recorder.position(pipelineId, upstreamName);
  const followed = await open(upstream);
  const log = new RecordedNotificationLog(followed, {
    applicationName: upstreamName,
    pipelineId,
    emits: upstream.emits,
  });
  const to = await notificationAt(at, log, "option 'at' of reposition()");
  const moved = await movedPosition(recorder, { from, to, ceiling: 0, kind: 'reposition', by, reason });
  await recorder.record(pipelineId, [moved]);
  return from.position;
}

/** Throws {@link InvalidArgumentError} unless an application follows another one. */
export function assertFollows(
  { graph }: System,
  { applicationName }: ApplicationClass,
  upstream: ApplicationClass,
  call: string,
): void {
  const names = upstreamsOf(graph, applicationName);
  if (names.includes(upstream.applicationName)) return;
  const known = names.length === 0 ? 'It follows none' : `Its upstreams are: ${names.join(', ')}`;
  throw new InvalidArgumentError(
    `${call} got upstream '${upstream.applicationName}', which application '${applicationName}' does not ` +
      `follow. ${known}.`,
  );
}
