import { type Application, applicationInternals } from '../application/application.ts';
import { ControlLog } from '../application/control/control-log.ts';
import { fitOf, mismatchText } from '../application/log/mark.ts';
import { processApplicationInternals } from '../application/process-application.ts';
import { schemaIn } from '../application/projection/schema-recorder.ts';
import { positionNameOf } from '../application/replaying/repetitions.ts';
import { isTransient } from '../storage/errors.ts';
import { isUnreadable } from '../storage/remote/errors.ts';
import { type SystemGraph, upstreamsOf } from '../system/graph.ts';
import type {
  ApplicationState,
  ApplicationStatus,
  ReplayStatus,
  SchemaBuilding,
  UpstreamStatus,
} from './runner.ts';

/** What a runner knows of an application. */
type KnownState = Pick<ApplicationStatus, 'state' | 'lastError'> & Partial<ApplicationStatus>;

/** Reads the progress of the applications of one pipeline from the storage, as far as it can be read. */
export function statusOf(
  graph: SystemGraph,
  applications: ReadonlyMap<string, Application>,
  stateOf: (applicationName: string) => KnownState,
): Promise<readonly ApplicationStatus[]> {
  return Promise.all(
    graph.nodes.flatMap(({ name }) => {
      const application = applications.get(name);
      if (application === undefined) return [];
      const upstreams = upstreamsOf(graph, name).flatMap((upstream) => applications.get(upstream) ?? []);
      return applicationStatus(application, upstreams, stateOf(name));
    }),
  );
}

/** Returns a line for each position of the applications that does not fit the log of its upstream. */
export async function mismatchesIn(
  graph: SystemGraph,
  applications: ReadonlyMap<string, Application>,
): Promise<readonly string[]> {
  const all = await statusOf(graph, applications, () => ({ state: 'starting', lastError: undefined }));
  return all.flatMap(({ applicationName, pipelineId, upstreams }) =>
    upstreams
      .filter(({ fitsLog }) => !fitsLog)
      .map(({ upstreamName, position, lag }) => {
        const what = mismatchText(position, position + lag);
        return `'${applicationName}' follows '${upstreamName}' in pipeline ${pipelineId}: ${what}.`;
      }),
  );
}

async function applicationStatus(
  application: Application,
  upstreams: readonly Application[],
  { state, lastError, interruption }: KnownState,
): Promise<ApplicationStatus> {
  const { applicationName, pipelineId } = application;
  const building = buildingOf(application);
  const control = ControlLog.of(applicationInternals.storeOf(application).recorder);
  const known = () => {
    const { pause } = control;
    const shown = shownState(state, pause !== undefined);
    return {
      applicationName,
      pipelineId,
      state: shown,
      interruption: shown === 'interrupted' ? interruption : undefined, // else it may be an earlier one
      pause,
      ...(building && { building }),
    };
  };
  try {
    await control.refresh();
    const parked = upstreams.length === 0 ? noCounts : await parkedCounts(application);
    const all = await Promise.all(
      upstreams.map(async (upstream) => {
        const { applicationName: name } = upstream;
        const status = await upstreamStatus(application, upstream).catch(noneIfUnreadable(name));
        return status && { ...status, parked: parked.get(name) ?? 0 };
      }),
    );
    const replays = await replaysOf(application, upstreams);
    return {
      ...known(),
      upstreams: all.filter((one) => one !== undefined),
      lastError,
      ...(replays.length > 0 && { replays }),
    };
  } catch (error) {
    if (!isTransient(error)) throw error;
    return { ...known(), upstreams: [], lastError: lastError ?? error };
  }
}

/** Reads the progress of the replays that run or have failed. */
async function replaysOf(
  application: Application,
  upstreams: readonly Application[],
): Promise<readonly ReplayStatus[]> {
  const { recorder, pipelineId, recordedNameOf } = applicationInternals.storeOf(application);
  const open = ControlLog.of(recorder).repetitions.openIn(pipelineId);
  return Promise.all(
    open.map(async (replay) => {
      const { id, types, from, to, error } = replay;
      const { position } = await recorder.position(pipelineId, positionNameOf(replay));
      const isOf = ({ applicationName }: Application) =>
        recordedNameOf(applicationName) === replay.upstreamName;
      const upstreamName = upstreams.find(isOf)?.applicationName ?? replay.upstreamName;
      return { id, upstreamName, types, from, to, position: Math.min(position, to), error };
    }),
  );
}

const pausable: readonly ApplicationState[] = ['idle', 'running', 'interrupted', 'restarting', 'elsewhere'];

/** Returns the state to show. A follower learns of a pause within about a second; the storage knows it at once. */
function shownState(state: ApplicationState, isPaused: boolean): ApplicationState {
  if (isPaused) return pausable.includes(state) ? 'paused' : state;
  return state === 'paused' ? 'idle' : state; // it was resumed just now
}

const noCounts: ReadonlyMap<string, number> = new Map();

/** Counts the parked notifications in the pipeline of an application, by upstream. */
async function parkedCounts(application: Application): Promise<ReadonlyMap<string, number>> {
  const { recorder, pipelineId } = applicationInternals.storeOf(application);
  const counts = (await recorder.countParked?.()) ?? [];
  const own = counts.filter((one) => one.pipelineId === pipelineId);
  return new Map(own.map(({ upstreamName, count }) => [upstreamName, count]));
}

/** Returns the schema that is being built, if the application is a projection whose schema was never live. */
function buildingOf(application: Application): SchemaBuilding | undefined {
  const schema = schemaIn(applicationInternals.storeOf(application).recorder);
  const live = schema?.history.live?.schema;
  return schema?.isBuilding && live !== undefined ? { schema: schema.schema, live } : undefined;
}

/** Returns a function that leaves out the log of another system that cannot be read: its followers report why. */
function noneIfUnreadable(upstreamName: string): (error: unknown) => undefined {
  return (error) => {
    if (!isUnreadable(error, upstreamName)) throw error;
  };
}

async function upstreamStatus(
  application: Application,
  { applicationName, log }: Application,
): Promise<Omit<UpstreamStatus, 'parked'>> {
  // Read the position first: a log only grows, so the lag is negative only if the log was cut off.
  const done = await processApplicationInternals.donePosition(application, applicationName);
  const { position } = done;
  const { fits } = await fitOf(done, log);
  return { upstreamName: applicationName, position, lag: (await log.head()) - position, fitsLog: fits };
}
