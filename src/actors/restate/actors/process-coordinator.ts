import type { ObjectContext } from '@restatedev/restate-sdk';
import { positionsRequest } from '../../../runner/positions/unrecorded-positions.ts';
import { isHead } from '../protocol/message-shapes.ts';
import type {
  LogGrown,
  ProcessCoordinator,
  ProcessWorker,
  StartCoordinator,
  StepDone,
} from '../protocol/messages.ts';
import { type ActorDefinition, type ActorSetup, actorOptions, limitedRetries } from './actor-definition.ts';
import { CoordinatorState } from './coordinator-state.ts';

/**
 * Collects the prompts for one application in one pipeline, and keeps its worker busy with one step at a time until no
 * prompt is left. Its handlers return at once, however long a step takes, so prompts do not accumulate in the engine.
 */
export function processCoordinator(setup: ActorSetup): ActorDefinition<ProcessCoordinator> {
  const { exclusive, shared } = setup.sdk.handlers.object;
  return setup.sdk.object<string, ProcessCoordinator>({
    name: setup.coordinator.name,
    options: { ...actorOptions, ingressPrivate: true },
    handlers: {
      start: exclusive(
        limitedRetries,
        (ctx: ObjectContext, message: StartCoordinator): Promise<void> =>
          CoordinatorState.start(ctx, setup, message),
      ),

      stop: exclusive(limitedRetries, async (ctx: ObjectContext): Promise<void> => {
        (await CoordinatorState.load(ctx, setup))?.stop();
        // Sent without waiting: a step may take long and would block this coordinator.
        ctx.objectSendClient<ProcessWorker>(setup.worker, ctx.key).stop();
      }),

      prompt: exclusive(
        limitedRetries,
        async (ctx: ObjectContext, { applicationName, head }: LogGrown): Promise<void> => {
          // A service of an older version forwards any number.
          const known = isHead(head) ? head : 0;
          const requested = known === 0 ? { [positionsRequest]: 0 } : {};
          (await CoordinatorState.load(ctx, setup))?.prompt({ [applicationName]: known, ...requested });
        },
      ),

      async poll(ctx: ObjectContext): Promise<void> {
        const state = await CoordinatorState.load(ctx, setup);
        if (state?.isExpected) await state.poll();
      },

      async resume(ctx: ObjectContext): Promise<void> {
        const state = await CoordinatorState.load(ctx, setup);
        if (state?.isExpected) state.resume();
      },

      restart: exclusive(limitedRetries, async (ctx: ObjectContext): Promise<void> => {
        await (await CoordinatorState.load(ctx, setup))?.restart();
      }),

      async done(ctx: ObjectContext, message: StepDone): Promise<void> {
        await (await CoordinatorState.load(ctx, setup, message.runId))?.done(message);
      },

      status: shared(CoordinatorState.status),
    },
  });
}
