import {
  detailsOf,
  type SchemaPosition,
  type SchemaSwitchDetails,
} from '../../../application/control/operation-kinds.ts';
import { readOperations } from '../../../application/control/read-operations.ts';
import { lifeOf } from '../../../application/projection/open-schema.ts';
import { schemaNameOf } from '../../../application/projection/projection-declaration.ts';
import { liveNameOf } from '../../../application/projection/schema-recorder.ts';
import { StorageError } from '../../../storage/errors.ts';
import { recordedNameIn } from '../../../storage/layers/forwarding-recorder.ts';
import type { Recorder } from '../../../storage/recorder.ts';
import type { OpenedStorage } from '../../../storage/storage.ts';
import { type Fault, faultIn } from '../fault.ts';
import type { FaultList } from '../verification.ts';
import { checkedDetailsOf } from './readable-operations.ts';

/** Checks that the live schema of a projection has its tables, and has not fallen behind the switch that made it live. */
export async function checkLiveSchema(
  applicationName: string,
  openedStorage: OpenedStorage,
  faults: FaultList,
): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const open = async (name: string) => {
    const recorder = await openedStorage.openRecorder({ applicationName: name, setupTables: false });
    opened.defer(() => recorder.close());
    return recorder;
  };
  const history = await open(liveNameOf(applicationName));
  for (let live = await liveSchemaOf(history); live !== undefined; ) {
    const name = schemaNameOf(applicationName, live.schema);
    const own = await open(name).catch((error: unknown) => {
      if (error instanceof StorageError && missing.has(error.code)) return undefined;
      throw error;
    });
    const found = await faultsOf(applicationName, live, own);
    const next = found.length === 0 ? live : await liveSchemaOf(history);
    if (next?.schema === live.schema) {
      for (const fault of found) faults.add(fault);
      return;
    }
    live = next; // another schema became live meanwhile, and this one was dropped
  }
}

/** Returns what is wrong with a live schema, given its recorder if storage holds it. */
async function faultsOf(
  applicationName: string,
  { schema, positions = [] }: SchemaSwitchDetails,
  own: Recorder | undefined,
): Promise<readonly Fault[]> {
  const lost = (problem: string) => {
    const message = `schema ${schema} is live, but ${problem}`;
    return [faultIn({ applicationName, pipelineId: 0 }, { kind: 'schema-lost', notificationId: 0, message })];
  };
  if (own === undefined) return lost('storage does not hold it.');
  const present = await own.positions();
  const { isCreated, isDropped } = await lifeOf(own);
  if (!isCreated) return lost('its tables were never created.');
  if (isDropped) return lost('its tables were dropped.');
  const found: Fault[] = [];
  for (const { pipelineId, upstreamName, position } of await leastPositions(own, positions)) {
    const at = present.find(
      (one) => one.pipelineId === pipelineId && recordedNameIn(own, one.upstreamName) === upstreamName,
    );
    const notificationId = at?.position ?? 0;
    if (notificationId >= position) continue;
    const message =
      `its position in the log of '${upstreamName}' is ${notificationId}, but it was ${position} when schema ${schema} ` +
      'became live, so it would list events again.';
    const kind = 'position-before-switch';
    found.push(faultIn({ applicationName, pipelineId }, { kind, notificationId, upstreamName, message }));
  }
  return found;
}

const missing: ReadonlySet<string> = new Set(['STORAGE_NOT_SET_UP', 'STORAGE_MISSING']);

async function liveSchemaOf(recorder: Recorder): Promise<SchemaSwitchDetails | undefined> {
  let live: SchemaSwitchDetails | undefined;
  for await (const page of readOperations(recorder))
    for (const operation of page) live = detailsOf(operation, 'switch-schema') ?? live;
  return live;
}

/** Returns positions, or the places before them to which people have moved them since. */
async function leastPositions(
  recorder: Recorder,
  positions: readonly SchemaPosition[],
): Promise<readonly SchemaPosition[]> {
  const moved: SchemaPosition[] = [];
  for await (const page of readOperations(recorder))
    for (const operation of page) {
      const details = operation.kind === 'reposition' ? checkedDetailsOf(operation) : undefined;
      if (details === undefined) continue;
      const { pipelineId, upstreamName, to } = details;
      moved.push({ pipelineId, upstreamName: recordedNameIn(recorder, upstreamName), position: to });
    }
  return positions.map((one) => {
    const ofLog = moved.filter(
      ({ pipelineId, upstreamName }) => pipelineId === one.pipelineId && upstreamName === one.upstreamName,
    );
    return { ...one, position: Math.min(one.position, ...ofLog.map(({ position }) => position)) };
  });
}
