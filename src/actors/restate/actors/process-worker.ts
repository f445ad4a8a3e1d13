import type { ObjectContext } from '@restatedev/restate-sdk';
import { downstreamsOf } from '../../../system/graph.ts';
import { actorKey, addressOfKey } from '../protocol/actor-names.ts';
import type { ProcessCoordinator, ProcessWorker, Step } from '../protocol/messages.ts';
import { type ActorDefinition, type ActorSetup, workerOptions } from './actor-definition.ts';

/** What a worker remembers of its last step. */
interface Last {
  /** Up to where followers know of the application's own log. */
  readonly head: number;
  /** Which process took the step: another one cannot trust what it knows of positions. */
  readonly hostId: string;
}

const key = 'last';

/**
 * Takes the steps of one application in one pipeline, and prompts its followers. What a step does may be done
 * again, if what came of it did not reach the engine: then the positions in the storage tell that it is done.
 */
export function processWorker(cast: ActorSetup): ActorDefinition<ProcessWorker> {
  return cast.sdk.object<string, ProcessWorker>({
    name: cast.worker.name,
    options: { ...workerOptions, ingressPrivate: true },
    handlers: {
      async process(ctx: ObjectContext, { runId, number, upstreams }: Step): Promise<void> {
        const place = addressOfKey(ctx.key);
        const last = await ctx.get<Last>(key);
        // A call that goes on in another service does what this one would have done, so it is remembered who follows.
        const { result, hostId, followers } = await ctx.run('process', async () => ({
          hostId: cast.host.id,
          followers: downstreamsOf(cast.graph, place.applicationName),
          result: await cast.host.step(place, upstreams, last?.hostId),
        }));
        const { head = last?.head ?? 0 } = result;
        if (head !== last?.head) tellFollowers(ctx, head, followers);
        ctx.set(key, { head, hostId });
        ctx.objectSendClient<ProcessCoordinator>(cast.coordinator, ctx.key).done({ runId, number, result });
      },

      async stop(ctx: ObjectContext): Promise<void> {
        ctx.clearAll();
      },
    },
  });

  function tellFollowers(ctx: ObjectContext, head: number, followers: readonly string[]): void {
    const { applicationName, pipelineId } = addressOfKey(ctx.key);
    for (const follower of followers) {
      const followerKey = actorKey({ applicationName: follower, pipelineId });
      ctx
        .objectSendClient<ProcessCoordinator>(cast.coordinator, followerKey)
        .prompt({ applicationName, head });
    }
  }
}
