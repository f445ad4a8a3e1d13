import { isDeepStrictEqual } from 'node:util';
import type { ObjectContext } from '@restatedev/restate-sdk';
import { type ActorDefinition, actorOptions, type Cast } from './cast.ts';
import type { PipelineActor, StartSystem, SystemActor, SystemStarted } from './messages.ts';
import { graphMetadata } from './registration.ts';

/** What runs: nothing, if there is no such state. */
interface Running {
  readonly runId: string;
  readonly pipelineIds: readonly number[];
}

const key = 'running';
/** How long a runner that has lost its connection can ask for the outcome of its call. */
const outcomeMs = 60_000;

/** Starts the pipelines of a system when the first runner asks for them, and tells later ones that they run. */
export function systemActor(cast: Cast): ActorDefinition<SystemActor> {
  const pipelinesOf = (ctx: ObjectContext, pipelineIds: readonly number[]) =>
    pipelineIds.map((pipelineId) => ctx.objectClient<PipelineActor>(cast.pipeline, `${pipelineId}`));
  return cast.sdk.object<string, SystemActor>({
    name: cast.system.name,
    metadata: graphMetadata(cast.graph),
    options: { ...actorOptions, idempotencyRetention: outcomeMs },
    handlers: {
      async start(ctx: ObjectContext, message: StartSystem): Promise<SystemStarted> {
        const running = await ctx.get<Running>(key);
        const reason = mismatchOf(cast, running, message);
        if (reason !== undefined) return { isRefused: true, reason };
        const { pipelineIds, pollIntervalMs } = message;
        const runId = running?.runId ?? ctx.rand.uuidv4();
        ctx.set(key, { runId, pipelineIds });
        await cast.sdk.RestatePromise.all(
          pipelinesOf(ctx, pipelineIds).map((pipeline) => pipeline.start({ runId, pollIntervalMs })),
        );
        return { isRefused: false };
      },

      async stop(ctx: ObjectContext): Promise<void> {
        const running = await ctx.get<Running>(key);
        if (running === null) return;
        await cast.sdk.RestatePromise.all(
          pipelinesOf(ctx, running.pipelineIds).map((pipeline) => pipeline.stop()),
        );
        ctx.clearAll();
      },
    },
  });
}

/** Why a runner cannot have what it asks for, if so. */
function mismatchOf({ graph }: Cast, running: Running | null, asked: StartSystem): string | undefined {
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

function inOrder(ids: readonly number[]): readonly number[] {
  return ids.toSorted((a, b) => a - b);
}
