import type { ApplicationClass } from '../../application/application.ts';
import { storageRule } from '../../application/application-binding.ts';
import { InvalidPolicyError } from '../../application/errors.ts';
import { openStore } from '../../application/open-store.ts';
import type { PolicySetup } from '../../application/policy/policy-batch.ts';
import type { ProcessApplication } from '../../application/process-application.ts';
import type { EventStore } from '../../application/recording/event-store.ts';
import { replacedRule } from '../../application/resources/replaced-resources.ts';
import { openStorage, type StorageDescription } from '../../storage/storage.ts';
import { upstreamsOf } from '../../system/graph.ts';
import { assertSystem, layersOf, recordingOptions, type System } from '../../system/system.ts';
import { ProgressReport, type VerificationProgress } from '../../tracing/verification/progress-report.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { abortSignal, integer, required, ruleOf } from '../../util/option-rules.ts';
import { type OptionRules, resolveOptions } from '../../util/options.ts';
import { replayFollower } from './follower-replay.ts';
import { type PastRecorder, pastLayer } from './past-storage.ts';
import { PolicyReplay, type ReplayDifference } from './policy-replay.ts';

/** Options of {@link replayPolicies}. */
export interface ReplayPoliciesOptions<Opened extends object = object> {
  /** Storage of the events on record, such as `sqlite({ file })` or `postgres({ … })`. It is only read. */
  readonly from: StorageDescription;
  /** Resources of the handlers by name. Those of the system are not opened. @default none */
  readonly resources?: Partial<Opened>;
  /** Number of differences that the result holds and shows. @default 100 */
  readonly limit?: number;
  /** Called with each difference. @default none */
  readonly onDifference?: (difference: ReplayDifference) => void;
  /** Called with the progress, at most four times a second. @default none */
  readonly onProgress?: (progress: VerificationProgress) => void;
  /** Cancels the replay. @default none */
  readonly signal?: AbortSignal;
}

const callback = () => ruleOf('a function', (value) => typeof value === 'function');

export const replayPoliciesOptions: OptionRules<ReplayPoliciesOptions, 'limit'> = {
  from: required(storageRule),
  resources: replacedRule,
  limit: integer({ least: 0 }, 100),
  onDifference: callback(),
  onProgress: callback(),
  signal: abortSignal(),
};

const example = "replayPolicies(shop, { from: sqlite({ file: 'shop.db' }) })";

/**
 * Runs the policies of a system on the notifications that are on record, with the aggregates as they were then, and compares
 * the events that they make with those on record. So a change of a policy shows before it is deployed. Nothing is recorded,
 * and the report shows no personal data.
 *
 * @throws {@link InvalidArgumentError} if `system` is not a system.
 * @throws {@link InvalidOptionError} if an option is missing or unknown, or its value does not fit.
 * @throws {@link StorageError} if the storage fails, or an application has no tables there.
 * @throws the reason of the signal if that is aborted.
 */
export async function replayPolicies<Opened extends object>(
  system: System<ApplicationClass, Opened>,
  options: ReplayPoliciesOptions<Opened>,
): Promise<PolicyReplay> {
  assertSystem(system, 'replayPolicies()', example);
  const resolved = resolveOptions(
    options as ReplayPoliciesOptions,
    replayPoliciesOptions,
    'replayPolicies()',
    example,
  );
  return await inRootContext(replayAll, system as unknown as System, resolved);
}

type Resolved = ReplayPoliciesOptions & { readonly limit: number };

async function replayAll(system: System, options: Resolved): Promise<PolicyReplay> {
  const { from, signal, onProgress } = options;
  signal?.throwIfAborted();
  await using opened = new AsyncDisposableStack();
  const recorders = new Map<string, PastRecorder>();
  // In front of the personal data: the layer behind sees names as applications have them.
  const layers = layersOf(system).toSpliced(-1, 0, pastLayer(recorders));
  const storage = await openStorage(from, { layers });
  opened.defer(() => storage.close());
  const stores = new Map<ApplicationClass, EventStore>();
  for (const applicationClass of system.applications as readonly ApplicationClass[]) {
    if (applicationClass.remote !== undefined || 'schema' in applicationClass) continue;
    const setting = { ...recordingOptions(system), setupTables: false, cacheSize: 0 };
    const store = await openStore(applicationClass, storage, setting);
    opened.defer(() => store.recorder.close());
    stores.set(applicationClass, store);
  }
  const replay = new PolicyReplay();
  const progress = new ProgressReport(signal, onProgress);
  for (const applicationClass of system.applications as readonly ApplicationClass[])
    await replayApplication(applicationClass, { system, options, stores, recorders, replay, progress });
  return replay;
}

interface Replaying {
  readonly system: System;
  readonly options: Resolved;
  readonly stores: ReadonlyMap<ApplicationClass, EventStore>;
  readonly recorders: ReadonlyMap<string, PastRecorder>;
  readonly replay: PolicyReplay;
  readonly progress: ProgressReport;
}

async function replayApplication(
  applicationClass: ApplicationClass,
  { system, options, stores, recorders, replay, progress }: Replaying,
): Promise<void> {
  const { applicationName, emits, rows, handlerTimeoutMs } = applicationClass;
  const upstreams = upstreamsOf(system.graph, applicationName);
  if (upstreams.length === 0) return;
  const skip = (upstreamName: string | undefined, reason: string) =>
    replay.skipped.push({ applicationName, upstreamName, reason });
  const store = stores.get(applicationClass);
  const recorder = recorders.get(applicationName);
  if (store === undefined || recorder === undefined)
    return void skip(undefined, 'it records rows, whose past is not on record');
  const application = new applicationClass() as ProcessApplication;
  const resources = givenResources(options.resources ?? {});
  for (const upstreamName of upstreams) {
    const upstreamClass = system.applications.find((one) => one.applicationName === upstreamName);
    const upstream = recorders.get(upstreamName);
    if (upstream === undefined || upstreamClass === undefined) {
      skip(upstreamName, 'the upstream runs in another system');
      continue;
    }
    for (const pipelineId of await pipelinesOf(recorder, upstreamName)) {
      const own = store.inPipeline(pipelineId);
      const mapper = own.mapperOf(upstreamName, upstreamClass.emits);
      const setup: PolicySetup = {
        store: own,
        policy: application.policy,
        upstreamName,
        handlerTimeoutMs,
        typeOf: (type) => mapper.typeOf(type),
        decode: (stored) => mapper.toRecorded(stored),
      };
      const leftOut = await replayFollower({
        setup,
        recorder,
        emits,
        hasRows: rows !== undefined,
        resources,
        signal: options.signal,
        pipelineId,
        upstream,
        recorders,
        replay,
        report: (difference) => {
          replay.counts[difference.kind] += 1;
          if (replay.first.length < options.limit) replay.first.push(difference);
          options.onDifference?.(difference);
        },
        progressed: (position, head) => progress.report({ applicationName, pipelineId, position, head }),
      });
      if (leftOut > 0)
        skip(upstreamName, `${leftOut} notifications, whose handlers use rows: their past is not on record`);
    }
  }
}

/** Pipelines in which an application has followed an upstream. */
async function pipelinesOf(recorder: PastRecorder, upstreamName: string): Promise<readonly number[]> {
  const positions = await recorder.positions();
  return positions.filter((one) => one.upstreamName === upstreamName).map(({ pipelineId }) => pipelineId);
}

/** Returns resources that fail with a reason where one is missing. */
function givenResources(resources: object): object {
  return new Proxy(resources, {
    get(given, name) {
      if (typeof name === 'symbol' || Object.hasOwn(given, name)) return Reflect.get(given, name);
      throw new InvalidPolicyError(
        `A policy uses resource '${name}': pass it in the option resources of replayPolicies().`,
      );
    },
  });
}
