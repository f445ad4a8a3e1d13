import type { ObjectContext, RestatePromise } from '@restatedev/restate-sdk';
import { downstreamsOf } from '../../../system/graph.ts';
import { actorKey, addressOfKey } from '../protocol/actor-names.ts';
import type { ProcessCoordinator, ProcessWorker, Step } from '../protocol/messages.ts';
import { type ActorDefinition, type ActorSetup, workerOptions } from './actor-definition.ts';

/** State of a worker after its last step. */
interface LastStep {
  /** Head of the application's own log that its followers have received. */
  readonly head: number;
  /** Host that processed the step. Positions that another host remembers may be stale. */
  readonly hostId: string;
}

const stateKey = 'last';

/**
 * Processes the steps of one application in one pipeline, and prompts its followers. A step whose result did not reach
 * the engine is repeated; the positions in the storage then show that its work is done.
 */
export function processWorker(setup: ActorSetup): ActorDefinition<ProcessWorker> {
  const { allSettled } = setup.sdk.RestatePromise;
  return setup.sdk.object<string, ProcessWorker>({
    name: setup.worker.name,
    options: { ...workerOptions, ingressPrivate: true },
    handlers: {
      async process(ctx: ObjectContext, { runId, number, upstreams }: Step): Promise<void> {
        const address = addressOfKey(ctx.key);
        const last = await ctx.get<LastStep>(stateKey);
        // The followers are journaled with the result: a service of another version may resume this call.
        const { result, hostId, followers } = await ctx.run('process', async () => ({
          hostId: setup.host.id,
          followers: downstreamsOf(setup.graph, address.applicationName),
          result: await setup.host.step(address, upstreams, last?.hostId),
        }));
        const { head = last?.head ?? 0 } = result;
        const prompts = head === last?.head ? [] : promptFollowers(ctx, head, followers);
        ctx.set(stateKey, { head, hostId });
        ctx.objectSendClient<ProcessCoordinator>(setup.coordinator, ctx.key).done({ runId, number, result });
        // The next step begins when all followers have received this prompt: at most one prompt per worker and follower.
        await allSettled(prompts);
      },

      async stop(ctx: ObjectContext): Promise<void> {
        ctx.clearAll();
      },
    },
  });

  function promptFollowers(
    ctx: ObjectContext,
    head: number,
    followers: readonly string[],
  ): RestatePromise<void>[] {
    const { applicationName, pipelineId } = addressOfKey(ctx.key);
    return followers.map((follower) => {
      const followerKey = actorKey({ applicationName: follower, pipelineId });
      return ctx
        .objectClient<ProcessCoordinator>(setup.coordinator, followerKey)
        .prompt({ applicationName, head });
    });
  }
}
