import type { ObjectContext, ObjectSharedContext } from '@restatedev/restate-sdk';
import { actorKey } from '../protocol/actor-names.ts';
import type {
  Follower,
  LogGrown,
  PipelineActor,
  ProcessCoordinator,
  ProcessStatus,
  StartPipeline,
} from '../protocol/messages.ts';
import { type ActorDefinition, type ActorSetup, actorOptions, passingCall } from './actor-definition.ts';

/** Who follows whom in the pipeline: what runs, which may be of another version than the service. */
const stateKey = 'followers';

/** Starts the coordinators of a pipeline, and passes prompts on to them. */
export function pipelineActor(cast: ActorSetup): ActorDefinition<PipelineActor> {
  const { sdk } = cast;
  const followersIn = async (ctx: ObjectSharedContext) =>
    (await ctx.get<readonly Follower[]>(stateKey)) ?? [];
  const keyIn = (ctx: ObjectSharedContext, { applicationName }: Follower) =>
    actorKey({ applicationName, pipelineId: Number(ctx.key) });
  const coordinatorOf = (ctx: ObjectSharedContext, follower: Follower) =>
    ctx.objectClient<ProcessCoordinator>(cast.coordinator, keyIn(ctx, follower));
  const { exclusive, shared } = sdk.handlers.object;
  const { all } = sdk.RestatePromise; // with Promise.all, an actor would wait for several answers at once and fail
  return sdk.object<string, PipelineActor>({
    name: cast.pipeline.name,
    options: actorOptions,
    handlers: {
      start: exclusive(
        passingCall,
        async (ctx: ObjectContext, { followers, ...run }: StartPipeline): Promise<void> => {
          const names = followers.map(({ applicationName }) => applicationName);
          const gone = (await followersIn(ctx)).filter(
            ({ applicationName }) => !names.includes(applicationName),
          );
          await all(gone.map((one) => coordinatorOf(ctx, one).stop()));
          ctx.set(stateKey, followers);
          await all(
            followers.map((one) =>
              coordinatorOf(ctx, one).start({ ...run, upstreamNames: one.upstreamNames }),
            ),
          );
        },
      ),

      stop: exclusive(passingCall, async (ctx: ObjectContext): Promise<readonly string[]> => {
        const followers = await followersIn(ctx);
        await all(followers.map((one) => coordinatorOf(ctx, one).stop()));
        ctx.clearAll();
        return followers.map((one) => keyIn(ctx, one));
      }),

      prompt: shared(passingCall, async (ctx: ObjectSharedContext, message: LogGrown): Promise<void> => {
        const { applicationName } = message;
        const followers = (await followersIn(ctx)).filter((one) =>
          one.upstreamNames.includes(applicationName),
        );
        // It waits for them, so that its caller does: what nobody waits for piles up in the engine.
        await all(followers.map((one) => coordinatorOf(ctx, one).prompt(message)));
      }),

      status: shared(
        async (ctx: ObjectSharedContext): Promise<readonly ProcessStatus[]> =>
          all((await followersIn(ctx)).map((one) => coordinatorOf(ctx, one).status())),
      ),
    },
  });
}
