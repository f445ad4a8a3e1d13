import type { ObjectContext } from '@restatedev/restate-sdk';
import type { LogGrown, ProcessCoordinator, ProcessWorker, Start, StepDone } from '../protocol/messages.ts';
import { type ActorDefinition, type ActorSetup, actorOptions, passingCall } from './actor-definition.ts';
import { CoordinatorState } from './coordinator-state.ts';

/**
 * Collects the prompts for one application in one pipeline, and keeps one step of its worker under way as long as there
 * are any. It answers at once, however long steps take, so prompts do not pile up in the engine.
 */
export function processCoordinator(cast: ActorSetup): ActorDefinition<ProcessCoordinator> {
  const { exclusive, shared } = cast.sdk.handlers.object;
  return cast.sdk.object<string, ProcessCoordinator>({
    name: cast.coordinator.name,
    options: { ...actorOptions, ingressPrivate: true },
    handlers: {
      start: exclusive(
        passingCall,
        (ctx: ObjectContext, message: Start): Promise<void> => CoordinatorState.start(ctx, cast, message),
      ),

      stop: exclusive(passingCall, async (ctx: ObjectContext): Promise<void> => {
        (await CoordinatorState.of(ctx, cast))?.stop();
        // Not waited for: a step may take long, and nobody could be told anything meanwhile.
        ctx.objectSendClient<ProcessWorker>(cast.worker, ctx.key).stop();
      }),

      prompt: exclusive(
        passingCall,
        async (ctx: ObjectContext, { applicationName, head }: LogGrown): Promise<void> => {
          (await CoordinatorState.of(ctx, cast))?.prompt({ [applicationName]: head });
        },
      ),

      async poll(ctx: ObjectContext): Promise<void> {
        const coordination = await CoordinatorState.of(ctx, cast);
        if (coordination?.isExpected) await coordination.poll();
      },

      async resume(ctx: ObjectContext): Promise<void> {
        const coordination = await CoordinatorState.of(ctx, cast);
        if (coordination?.isExpected) coordination.resume();
      },

      async done(ctx: ObjectContext, message: StepDone): Promise<void> {
        await (await CoordinatorState.of(ctx, cast, message.runId))?.done(message);
      },

      status: shared(CoordinatorState.status),
    },
  });
}
