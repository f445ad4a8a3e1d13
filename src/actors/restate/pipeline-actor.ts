import type { ObjectContext, ObjectSharedContext } from '@restatedev/restate-sdk';
import { rolesOf } from '../../runner/peers/role.ts';
import { type ActorDefinition, actorOptions, type Cast, followersOf } from './cast.ts';
import type { LogGrown, PipelineActor, ProcessCoordinator, ProcessStatus, Start } from './messages.ts';
import { keyOf } from './names.ts';

/** Starts the coordinators of a pipeline, and passes prompts on to them. */
export function pipelineActor(cast: Cast): ActorDefinition<PipelineActor> {
  const { graph, sdk } = cast;
  const coordinators = (ctx: ObjectSharedContext) =>
    rolesOf(graph, [Number(ctx.key)]).map((role) =>
      ctx.objectClient<ProcessCoordinator>(cast.coordinator, keyOf(role)),
    );
  const { shared } = sdk.handlers.object;
  const { all } = sdk.RestatePromise; // with Promise.all, an actor would wait for several answers at once and fail
  return sdk.object<string, PipelineActor>({
    name: cast.pipeline.name,
    options: actorOptions,
    handlers: {
      async start(ctx: ObjectContext, message: Start): Promise<void> {
        await all(coordinators(ctx).map((coordinator) => coordinator.start(message)));
      },

      async stop(ctx: ObjectContext): Promise<void> {
        await all(coordinators(ctx).map((coordinator) => coordinator.stop()));
      },

      prompt: shared(async (ctx: ObjectSharedContext, message: LogGrown): Promise<void> => {
        // It waits for them, so that its caller does: what nobody waits for piles up in the engine.
        await all(
          followersOf(graph, message.applicationName).map((follower) => {
            const key = keyOf({ applicationName: follower, pipelineId: Number(ctx.key) });
            return ctx.objectClient<ProcessCoordinator>(cast.coordinator, key).prompt(message);
          }),
        );
      }),

      status: shared(
        (ctx: ObjectSharedContext): Promise<readonly ProcessStatus[]> =>
          all(coordinators(ctx).map((coordinator) => coordinator.status())),
      ),
    },
  });
}
