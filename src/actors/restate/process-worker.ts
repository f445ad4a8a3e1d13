import type { ObjectContext, RestatePromise } from '@restatedev/restate-sdk';
import { type ActorDefinition, type Cast, followersOf, workerOptions } from './cast.ts';
import type { ProcessCoordinator, ProcessWorker, Step } from './messages.ts';
import { keyOf, placeOf } from './names.ts';

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
export function processWorker(cast: Cast): ActorDefinition<ProcessWorker> {
  const { allSettled } = cast.sdk.RestatePromise;
  return cast.sdk.object<string, ProcessWorker>({
    name: cast.worker.name,
    options: { ...workerOptions, ingressPrivate: true },
    handlers: {
      async process(ctx: ObjectContext, { runId, number, upstreams }: Step): Promise<void> {
        const place = placeOf(ctx.key);
        const last = await ctx.get<Last>(key);
        // A call that goes on in another service does what this one would have done, so it is remembered who follows.
        const { result, hostId, followers } = await ctx.run('process', async () => ({
          hostId: cast.host.id,
          followers: followersOf(cast.graph, place.applicationName),
          result: await cast.host.step(place, upstreams, last?.hostId),
        }));
        const { head = last?.head ?? 0 } = result;
        const told = head === last?.head ? [] : tellFollowers(ctx, head, followers);
        ctx.set(key, { head, hostId });
        ctx.objectSendClient<ProcessCoordinator>(cast.coordinator, ctx.key).done({ runId, number, result });
        // The next step begins when all followers know of this one, so each of them has one prompt of this worker at most.
        await allSettled(told);
      },

      async stop(ctx: ObjectContext): Promise<void> {
        ctx.clearAll();
      },
    },
  });

  function tellFollowers(
    ctx: ObjectContext,
    head: number,
    followers: readonly string[],
  ): RestatePromise<void>[] {
    const { applicationName, pipelineId } = placeOf(ctx.key);
    return followers.map((follower) => {
      const followerKey = keyOf({ applicationName: follower, pipelineId });
      return ctx
        .objectClient<ProcessCoordinator>(cast.coordinator, followerKey)
        .prompt({ applicationName, head });
    });
  }
}
