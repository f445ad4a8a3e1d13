import type { ApplicationClass } from '../application/application.ts';
import { readOperations } from '../application/control/read-operations.ts';
import { isProjection } from '../application/projection/projection-declaration.ts';
import { liveNameOf } from '../application/projection/schema-recorder.ts';
import type { Recorder } from '../storage/recorder.ts';
import { openStorage, type StorageDescription } from '../storage/storage.ts';
import { assertSystem, layersOf, type System } from '../system/system.ts';
import { type Operation, operationOf } from './operation.ts';

/**
 * Reads what was done to the applications of a system by hand, such as with {@link reposition} or by `pause()` of a runner: application
 * by application in the order of definition, the oldest operations first. Switches between the schemas of a projection
 * `order-list`, and their ends, are listed under the name `order-list@live`.
 *
 * @example
 * const storage = memory();
 * await run(shop.bind(storage)).then((runner) => runner.close());
 * for await (const { applicationName, kind, by, reason } of listOperations(storage, shop))
 *   console.log(applicationName, kind, by, reason);
 * @throws {@link InvalidArgumentError} if `system` is not a system.
 * @throws {@link InvalidStorageError} if `storage` is not a description of storage.
 * @throws {@link StorageError} if storage fails, or an application has no tables there.
 */
export async function* listOperations(
  storage: StorageDescription,
  system: System,
): AsyncGenerator<Operation, void, undefined> {
  assertSystem(system, 'listOperations()', 'listOperations(storage, shop)');
  await using opened = new AsyncDisposableStack();
  const openedStorage = await openStorage(storage, { layers: layersOf(system) });
  opened.defer(() => openedStorage.close());
  for (const applicationName of system.applications.flatMap(namesIn)) {
    const recorder = await openedStorage.openRecorder({ applicationName, setupTables: false });
    opened.defer(() => recorder.close());
    yield* operationsOf(applicationName, recorder);
  }
}

/** Reads all operations of an application, the oldest first. */
export async function* operationsOf(
  applicationName: string,
  recorder: Recorder,
): AsyncGenerator<Operation, void, undefined> {
  for await (const page of readOperations(recorder))
    for (const recorded of page) yield operationOf(applicationName, recorded);
}

/** Names under which the operations of an application are recorded: those of the schemas of a projection have their own. */
function namesIn(declaration: ApplicationClass): readonly string[] {
  const { applicationName } = declaration;
  return isProjection(declaration) ? [applicationName, liveNameOf(applicationName)] : [applicationName];
}
