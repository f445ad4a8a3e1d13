import { SchemaRecorder } from '../../application/projection/schema-recorder.ts';
import type { EventStore } from '../../application/recording/event-store.ts';
import type { OpenedStorage } from '../../storage/storage.ts';
import { type SystemGraph, upstreamsOf } from '../../system/graph.ts';
import { type BeforeLive, SchemaKeeper } from './schema-keeper.ts';

/** Stores of a system, and the pipelines that its runner runs. */
interface OpenStores {
  readonly openedStorage: OpenedStorage;
  readonly stores: ReadonlyMap<string, EventStore>;
  readonly pipelineIds: readonly number[];
  /** Called before the schema of a projection becomes live. */
  readonly beforeLive: BeforeLive | undefined;
}

/** Starts the keeper of the schemas of a system; undefined if the system has no projections. */
export function keepSchemas(
  graph: SystemGraph,
  { openedStorage, stores, pipelineIds, beforeLive }: OpenStores,
): SchemaKeeper | undefined {
  const recorderOf = (name: string) => (stores.get(name) as EventStore).recorder;
  const projections = [...stores].flatMap(([name, { recorder }]) => {
    if (!(recorder instanceof SchemaRecorder)) return [];
    const upstreams = new Map(upstreamsOf(graph, name).map((one) => [one, recorderOf(one)] as const));
    return [{ recorder, upstreams, pipelineIds }];
  });
  return projections.length === 0 ? undefined : new SchemaKeeper(openedStorage, projections, beforeLive);
}
