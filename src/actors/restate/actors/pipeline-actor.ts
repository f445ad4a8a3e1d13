import type { ObjectContext, ObjectSharedContext } from '@restatedev/restate-sdk';
import { actorKey } from '../protocol/actor-names.ts';
import { isLogGrown } from '../protocol/message-shapes.ts';
import type {
  FollowingApplication,
  LogGrown,
  PipelineActor,
  ProcessCoordinator,
  ProcessStatus,
  StartPipeline,
} from '../protocol/messages.ts';
import {
  type ActorDefinition,
  type ActorSetup,
  actorOptions,
  internalCall,
  limitedRetries,
} from './actor-definition.ts';
import { wellFormed } from './well-formed.ts';

/** The applications that run in the pipeline. Their graph may come from another version than that of the service. */
const stateKey = 'followers';

/** Starts the coordinators of a pipeline, and forwards prompts to them. */
export function pipelineActor(setup: ActorSetup): ActorDefinition<PipelineActor> {
  const { sdk } = setup;
  const loadFollowers = async (ctx: ObjectSharedContext) =>
    (await ctx.get<readonly FollowingApplication[]>(stateKey)) ?? [];
  const keyIn = (ctx: ObjectSharedContext, { applicationName }: FollowingApplication) =>
    actorKey({ applicationName, pipelineId: Number(ctx.key) });
  const coordinatorOf = (ctx: ObjectSharedContext, follower: FollowingApplication) =>
    ctx.objectClient<ProcessCoordinator>(setup.coordinator, keyIn(ctx, follower));
  const { exclusive, shared } = sdk.handlers.object;
  const { all } = sdk.RestatePromise; // an actor that awaits several answers with Promise.all fails
  return sdk.object<string, PipelineActor>({
    name: setup.pipeline.name,
    options: actorOptions,
    handlers: {
      start: exclusive(
        internalCall,
        async (ctx: ObjectContext, { followers, ...run }: StartPipeline): Promise<void> => {
          const names = followers.map(({ applicationName }) => applicationName);
          const removed = (await loadFollowers(ctx)).filter(
            ({ applicationName }) => !names.includes(applicationName),
          );
          await all(removed.map((follower) => coordinatorOf(ctx, follower).stop()));
          ctx.set(stateKey, followers);
          await all(
            followers.map((follower) =>
              coordinatorOf(ctx, follower).start({ ...run, upstreamNames: follower.upstreamNames }),
            ),
          );
        },
      ),

      stop: exclusive(internalCall, async (ctx: ObjectContext): Promise<readonly string[]> => {
        const followers = await loadFollowers(ctx);
        await all(followers.map((follower) => coordinatorOf(ctx, follower).stop()));
        ctx.clearAll();
        return followers.map((follower) => keyIn(ctx, follower));
      }),

      prompt: shared(limitedRetries, async (ctx: ObjectSharedContext, received: LogGrown): Promise<void> => {
        const message = wellFormed(sdk, received, isLogGrown, 'a prompt');
        const { applicationName } = message;
        const followers = (await loadFollowers(ctx)).filter(({ upstreamNames }) =>
          upstreamNames.includes(applicationName),
        );
        // Awaited, so that the caller waits too: calls that no caller awaits accumulate in the engine.
        await all(followers.map((follower) => coordinatorOf(ctx, follower).prompt(message)));
      }),

      restart: shared(
        limitedRetries,
        async (ctx: ObjectSharedContext, applicationName: string): Promise<void> => {
          const failed = (await loadFollowers(ctx)).filter((one) => one.applicationName === applicationName);
          await all(failed.map((follower) => coordinatorOf(ctx, follower).restart()));
        },
      ),

      status: shared(
        async (ctx: ObjectSharedContext): Promise<readonly ProcessStatus[]> =>
          all((await loadFollowers(ctx)).map((follower) => coordinatorOf(ctx, follower).status())),
      ),
    },
  });
}
