import { isDeepStrictEqual } from 'node:util';
import type { ObjectContext, ObjectSharedContext } from '@restatedev/restate-sdk';
import { assignmentsOf } from '../../../runner/assignment.ts';
import type { SystemGraph } from '../../../system/graph.ts';
import { graphMetadata } from '../engine/registration.ts';
import { isStartSystem, isTakeBack } from '../protocol/message-shapes.ts';
import type {
  FollowingApplication,
  PipelineActor,
  ProcessWorker,
  StartSystem,
  SystemActor,
  SystemStarted,
} from '../protocol/messages.ts';
import {
  type ActorDefinition,
  type ActorSetup,
  actorOptions,
  internalCall,
  limitedRetries,
} from './actor-definition.ts';
import { wellFormed } from './well-formed.ts';

/** State of a running system; absent while the system is stopped. */
interface Running {
  readonly runId: string;
  readonly pipelineIds: readonly number[];
  /** Whether the start has finished; false if its call is still running or was interrupted. */
  readonly isStarted: boolean;
  /** Id of the runner that started the system; absent once another runner has joined. */
  readonly onlyCallerId?: string;
}

const stateKey = 'running';
/** Time during which a runner that lost its connection can fetch the result of its call, in ms. */
const resultRetentionMs = 60_000;

/** Starts the pipelines of a system for the first runner, and lets later runners join. */
export function systemActor(setup: ActorSetup): ActorDefinition<SystemActor> {
  const pipelinesOf = (ctx: ObjectContext, pipelineIds: readonly number[]) =>
    pipelineIds.map((pipelineId) => ctx.objectClient<PipelineActor>(setup.pipeline, `${pipelineId}`));
  const { all } = setup.sdk.RestatePromise;
  const stopAll = async (ctx: ObjectContext, running: Running | null): Promise<readonly string[]> => {
    const keys = await all(pipelinesOf(ctx, running?.pipelineIds ?? []).map((pipeline) => pipeline.stop()));
    ctx.clearAll();
    return keys.flat();
  };
  return setup.sdk.object<string, SystemActor>({
    name: setup.system.name,
    metadata: graphMetadata(setup.graph),
    options: { ...actorOptions, ...limitedRetries, idempotencyRetention: resultRetentionMs },
    handlers: {
      async start(ctx: ObjectContext, received: StartSystem): Promise<SystemStarted> {
        const message = wellFormed(setup.sdk, received, isStartSystem, 'a start');
        const known = await ctx.get<Running>(stateKey);
        const running = known?.isStarted ? known : null;
        // The graph is journaled: a service of another version may resume this call.
        const served = await ctx.run('graph', () => setup.graph);
        const reason = mismatchOf(served, running, message);
        if (reason !== undefined) return { isRefused: true, reason };
        if (running === null) await stopAll(ctx, known);
        const { pipelineIds, pollIntervalMs, callerId } = message;
        const runId = running?.runId ?? ctx.rand.uuidv4();
        ctx.set(stateKey, { runId, pipelineIds, isStarted: running !== null });
        const start = { runId, pollIntervalMs, followers: followingApplicationsIn(served) };
        await all(pipelinesOf(ctx, pipelineIds).map((pipeline) => pipeline.start(start)));
        const ownership = running === null && { onlyCallerId: callerId };
        ctx.set(stateKey, { runId, pipelineIds, isStarted: true, ...ownership });
        return { isRefused: false };
      },

      stop: setup.sdk.handlers.object.exclusive(
        internalCall,
        async (ctx: ObjectContext): Promise<readonly string[]> =>
          stopAll(ctx, await ctx.get<Running>(stateKey)),
      ),

      // A shared handler, so that the system can be started again while a long step is ending.
      shutDown: setup.sdk.handlers.object.shared(async (ctx: ObjectSharedContext): Promise<void> => {
        const keys = await ctx.objectClient<SystemActor>(setup.system, ctx.key).stop();
        await all(keys.map((workerKey) => ctx.objectClient<ProcessWorker>(setup.worker, workerKey).stop()));
      }),

      async takeBack(ctx: ObjectContext, received: Pick<StartSystem, 'callerId'>): Promise<void> {
        const { callerId } = wellFormed(setup.sdk, received, isTakeBack, 'a take-back');
        const running = await ctx.get<Running>(stateKey);
        if (running?.isStarted && running.onlyCallerId !== callerId) return;
        await stopAll(ctx, running);
      },
    },
  });
}

/** Returns why a runner cannot start or join the system; undefined if it can. */
function mismatchOf(graph: SystemGraph, running: Running | null, message: StartSystem): string | undefined {
  if (!isDeepStrictEqual(message.graph, graph)) {
    return (
      'the registered service serves a system with other applications or events. ' +
      'Register the service of this version of the system first.'
    );
  }
  if (running === null || isDeepStrictEqual(sorted(running.pipelineIds), sorted(message.pipelineIds)))
    return undefined;
  return (
    `it already runs in pipelines ${running.pipelineIds.join(', ')}, not ${message.pipelineIds.join(', ')}. ` +
    'Start the runner with the same pipelineIds, or shut the system down first.'
  );
}

function followingApplicationsIn(graph: SystemGraph): readonly FollowingApplication[] {
  return assignmentsOf(graph, [0]).map(({ applicationName, upstreamNames }) => ({
    applicationName,
    upstreamNames,
  }));
}

function sorted(ids: readonly number[]): readonly number[] {
  return ids.toSorted((a, b) => a - b);
}
