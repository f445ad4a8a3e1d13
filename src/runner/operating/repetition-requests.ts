import {
  type Application,
  type ApplicationClass,
  applicationInternals,
} from '../../application/application.ts';
import { ControlLog } from '../../application/control/control-log.ts';
import type { ProcessApplication } from '../../application/process-application.ts';
import { isProjection } from '../../application/projection/projection-declaration.ts';
import { endReplay } from '../../application/replaying/end-replay.ts';
import { unloggedTypes } from '../../domain/events/unlogged-types.ts';
import { requestReplay } from '../../operations/replay.ts';
import { assertFollows } from '../../operations/reposition.ts';
import { resetPosition } from '../../operations/reset.ts';
import { upstreamsOf } from '../../system/graph.ts';
import { assertPartOf } from '../../system/system.ts';
import { InvalidArgumentError, resolveOptions } from '../../util/options.ts';
import { type OperationOptions, operationOptionsOf } from './operation-options.ts';
import type { OperatedSystem } from './operations.ts';
import { type ReplayOptions, type ResetOptions, replayOptions, resetOptions } from './repetition-options.ts';

/** The application that repeats notifications, and the upstream in whose log they are. */
interface Repeated {
  readonly follower: Application;
  readonly upstream: Application;
}

/** Moves positions of a running system and hands past events to its policies again, see {@link SystemRunner}. */
export class RepetitionRequests {
  readonly #operated: OperatedSystem;

  constructor(operated: OperatedSystem) {
    this.#operated = operated;
  }

  async reset(application: ApplicationClass, options: ResetOptions): Promise<number> {
    const example = "reset(Invoices, { at: 'end', by: 'ada', reason: 'only new orders count' })";
    const { at, by, reason, signal, upstream, pipelineId } = resolveOptions(
      options,
      resetOptions,
      'reset()',
      example,
    );
    signal?.throwIfAborted();
    const repeated = this.#repeated(application, upstream, pipelineId, 'reset()');
    const store = applicationInternals.storeOf(repeated.follower);
    const { log } = repeated.upstream;
    return await this.#inTurn(() => resetPosition({ store, log, at, by, reason, signal }));
  }

  async replay(application: ApplicationClass, options: ReplayOptions): Promise<string> {
    const example = "replay(Invoices, { types: ['Order.Paid'], by: 'ada', reason: 'a new handler' })";
    const { by, reason, signal, upstream, types, from, to, sideEffects, pipelineId } = resolveOptions(
      options,
      replayOptions,
      'replay()',
      example,
    );
    signal?.throwIfAborted();
    const repeated = this.#repeated(application, upstream, pipelineId, 'replay()');
    const { policy } = repeated.follower as ProcessApplication;
    const { log } = repeated.upstream;
    const unhandled = types?.find(
      (type) => !log.emits?.includes(type) || policy.handlerOf(type) === undefined,
    );
    if (unhandled !== undefined) {
      throw new InvalidArgumentError(
        `replay() got type '${unhandled}', which the policy of '${application.applicationName}' does not handle in the log ` +
          `of '${log.applicationName}'.`,
      );
    }
    const store = applicationInternals.storeOf(repeated.follower);
    const request = { store, policy, log, types, from, to, sideEffects, by, reason, signal };
    return await this.#inTurn(() => requestReplay(request));
  }

  async cancel(application: ApplicationClass, id: string, options: OperationOptions): Promise<boolean> {
    const example = "cancelReplay(Invoices, id, { by: 'ada', reason: 'the wrong types' })";
    const { by, reason } = operationOptionsOf(options, 'cancelReplay()', example);
    const { system, running } = this.#operated;
    assertPartOf(system, application);
    const opened = running.applications.filter((one) => one.applicationName === application.applicationName);
    for (const follower of opened) {
      const store = applicationInternals.storeOf(follower);
      const control = ControlLog.of(store.recorder);
      await control.refresh();
      const replay = control.repetitions.runningIn(store.pipelineId).find((one) => one.id === id);
      if (replay !== undefined)
        return await this.#inTurn(() => endReplay(store, replay, { outcome: 'cancelled', by, reason }));
    }
    return false;
  }

  /** Does work between the ticks of a runner that has ticks. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#operated.runTurn?.(work) ?? work();
  }

  #repeated(
    applicationClass: ApplicationClass,
    upstream: ApplicationClass | undefined,
    pipelineId: number,
    call: string,
  ): Repeated {
    const { system, running } = this.#operated;
    assertPartOf(system, applicationClass);
    const { applicationName } = applicationClass;
    const followed = upstream ?? onlyUpstream(this.#operated, applicationName, call);
    assertPartOf(system, followed);
    assertFollows(system, applicationClass, followed, call);
    assertRepeatable(applicationClass, call);
    return {
      follower: running.get(applicationClass, pipelineId),
      upstream: running.get(followed, pipelineId),
    };
  }
}

/** Returns the only upstream of an application. */
function onlyUpstream({ system }: OperatedSystem, applicationName: string, call: string): ApplicationClass {
  const names = upstreamsOf(system.graph, applicationName);
  const [name, ...others] = names;
  const upstream = system.applications.find((one) => one.applicationName === name);
  if (upstream !== undefined && others.length === 0) return upstream;
  throw new InvalidArgumentError(
    upstream === undefined
      ? `${call} got application '${applicationName}', which follows no other.`
      : `${call} needs option 'upstream', because '${applicationName}' follows several applications: ${names.join(', ')}.`,
  );
}

/** Throws {@link InvalidArgumentError} if it cannot be seen by causes what an application has done. */
function assertRepeatable(applicationClass: ApplicationClass, call: string): void {
  const { applicationName, emits } = applicationClass;
  if (isProjection(applicationClass)) {
    throw new InvalidArgumentError(
      `${call} cannot repeat events for projection '${applicationName}', whose rows would be doubled: raise its ` +
        "'static readonly schema', so that the rows are built again from the first event.",
    );
  }
  const unlogged = unloggedTypes(emits);
  if (unlogged === undefined) return;
  throw new InvalidArgumentError(
    `${call} cannot repeat events for '${applicationName}', which defines ${[...unlogged].map((type) => `'${type}'`).join(', ')} ` +
      "with 'notifiable: false': it could not be seen which events were handled, so their effects might be doubled.",
  );
}
