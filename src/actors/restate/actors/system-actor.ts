import { isDeepStrictEqual } from 'node:util';
import type { ObjectContext, ObjectSharedContext } from '@restatedev/restate-sdk';
import { assignmentsOf } from '../../../runner/asynchronous/assignment.ts';
import type { SystemGraph } from '../../../system/graph.ts';
import { graphMetadata } from '../engine/registration.ts';
import type {
  Follower,
  PipelineActor,
  ProcessWorker,
  StartSystem,
  SystemActor,
  SystemStarted,
} from '../protocol/messages.ts';
import { type ActorDefinition, type ActorSetup, actorOptions, passingCall } from './actor-definition.ts';

/** What runs: nothing, if there is no such state. */
interface Running {
  readonly runId: string;
  readonly pipelineIds: readonly number[];
  /** Whether all of it has been started; else the call that was to do so was cut off. */
  readonly isStarted: boolean;
  /** The runner that has started it, as long as no other one has joined. */
  readonly onlyCallerId?: string;
}

const key = 'running';
/** How long a runner that has lost its connection can ask for the outcome of its call. */
const outcomeMs = 60_000;

/** Starts the pipelines of a system when the first runner asks for them, and tells later ones that they run. */
export function systemActor(cast: ActorSetup): ActorDefinition<SystemActor> {
  const pipelinesOf = (ctx: ObjectContext, pipelineIds: readonly number[]) =>
    pipelineIds.map((pipelineId) => ctx.objectClient<PipelineActor>(cast.pipeline, `${pipelineId}`));
  const { all } = cast.sdk.RestatePromise;
  const stopAll = async (ctx: ObjectContext, running: Running | null): Promise<readonly string[]> => {
    const keys = await all(pipelinesOf(ctx, running?.pipelineIds ?? []).map((pipeline) => pipeline.stop()));
    ctx.clearAll();
    return keys.flat();
  };
  return cast.sdk.object<string, SystemActor>({
    name: cast.system.name,
    metadata: graphMetadata(cast.graph),
    options: { ...actorOptions, ...passingCall, idempotencyRetention: outcomeMs },
    handlers: {
      async start(ctx: ObjectContext, message: StartSystem): Promise<SystemStarted> {
        const known = await ctx.get<Running>(key);
        const running = known?.isStarted ? known : null;
        // What the service knows is remembered with the call, should that go on in another one.
        const served = await ctx.run('graph', () => cast.graph);
        const reason = mismatchOf(served, running, message);
        if (reason !== undefined) return { isRefused: true, reason };
        if (running === null) await stopAll(ctx, known);
        const { pipelineIds, pollIntervalMs, callerId } = message;
        const runId = running?.runId ?? ctx.rand.uuidv4();
        ctx.set(key, { runId, pipelineIds, isStarted: running !== null });
        const start = { runId, pollIntervalMs, followers: followersIn(served) };
        await all(pipelinesOf(ctx, pipelineIds).map((pipeline) => pipeline.start(start)));
        const ownership = running === null && { onlyCallerId: callerId };
        ctx.set(key, { runId, pipelineIds, isStarted: true, ...ownership });
        return { isRefused: false };
      },

      stop: async (ctx: ObjectContext): Promise<readonly string[]> =>
        stopAll(ctx, await ctx.get<Running>(key)),

      // Nobody waits for it, so the system can be started again while a step that takes long comes to its end.
      shutDown: cast.sdk.handlers.object.shared(async (ctx: ObjectSharedContext): Promise<void> => {
        const keys = await ctx.objectClient<SystemActor>(cast.system, ctx.key).stop();
        await all(keys.map((workerKey) => ctx.objectClient<ProcessWorker>(cast.worker, workerKey).stop()));
      }),

      async takeBack(ctx: ObjectContext, { callerId }: Pick<StartSystem, 'callerId'>): Promise<void> {
        const running = await ctx.get<Running>(key);
        if (running?.isStarted && running.onlyCallerId !== callerId) return;
        await stopAll(ctx, running);
      },
    },
  });
}

/** Why a runner cannot have what it asks for, if so. */
function mismatchOf(graph: SystemGraph, running: Running | null, asked: StartSystem): string | undefined {
  if (!isDeepStrictEqual(asked.graph, graph)) {
    return (
      'the service that is registered serves a system with other applications or events. ' +
      'Register the service of this version of the system first.'
    );
  }
  if (running === null || isDeepStrictEqual(inOrder(running.pipelineIds), inOrder(asked.pipelineIds)))
    return undefined;
  return (
    `it runs already, in pipelines ${running.pipelineIds.join(', ')}, not ${asked.pipelineIds.join(', ')}. ` +
    'Start the runner with the same pipelineIds, or shut the system down first.'
  );
}

function followersIn(graph: SystemGraph): readonly Follower[] {
  return assignmentsOf(graph, [0]).map(({ applicationName, upstreamNames }) => ({
    applicationName,
    upstreamNames,
  }));
}

function inOrder(ids: readonly number[]): readonly number[] {
  return ids.toSorted((a, b) => a - b);
}
