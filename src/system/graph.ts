import type { ApplicationClass } from '../application/application.ts';
import { handledTwice } from '../application/policy/own-events.ts';
import type { Policy } from '../application/policy/policy.ts';
import { ProcessApplication } from '../application/process-application.ts';
import { isProjection } from '../application/projection/projection-declaration.ts';
import { unloggedTypes } from '../domain/events/unlogged-types.ts';
import { messageOf } from '../util/errors.ts';
import { InvalidSystemError } from './errors.ts';

/** An application in the graph of a system. */
export interface GraphNode {
  /** The `applicationName` of the class. */
  readonly name: string;
  /** Types of the events that the application may record. */
  readonly emits: readonly string[];
}

/** An application that follows another one. */
export interface GraphEdge {
  /** Name of the application that is followed. */
  readonly upstream: string;
  /** Name of the application that follows. */
  readonly downstream: string;
  /** Types of the upstream's events that the downstream handles. It ignores the others. */
  readonly eventTypes: readonly string[];
}

/** Applications of a system and the edges between them, in the order of definition, as plain data. */
export interface SystemGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

/** Names of the applications that an application follows. */
export function upstreamsOf({ edges }: SystemGraph, applicationName: string): readonly string[] {
  return edges.filter(({ downstream }) => downstream === applicationName).map(({ upstream }) => upstream);
}

/** Names of the applications that follow an application. */
export function downstreamsOf({ edges }: SystemGraph, applicationName: string): readonly string[] {
  return edges.filter(({ upstream }) => upstream === applicationName).map(({ downstream }) => downstream);
}

/** Names of an application and of all applications that it follows, directly or through others. */
export function leadingTo(graph: SystemGraph, applicationName: string): ReadonlySet<string> {
  const names = new Set([applicationName]);
  for (const name of names) for (const upstream of upstreamsOf(graph, name)) names.add(upstream);
  return names;
}

/** Names of the applications that follow at least one other, in the order of definition. */
export function followersIn(graph: SystemGraph): readonly string[] {
  return graph.nodes.map(({ name }) => name).filter((name) => upstreamsOf(graph, name).length > 0);
}

/**
 * Names of the intermediates of an application, in the order of definition: applications that it does not follow, and
 * through which an event of one upstream can cause an event of another one. Empty without such paths.
 */
export function intermediatesOf(graph: SystemGraph, applicationName: string): readonly string[] {
  const followed = new Set(upstreamsOf(graph, applicationName));
  const isHidden = (name: string) => !followed.has(name) && name !== applicationName;
  const behind = (name: string) => reachable(name, (one) => upstreamsOf(graph, one), isHidden);
  const intermediates = new Set<string>();
  for (const upstream of followed) {
    for (const name of behind(upstream)) {
      const sources = [name, ...behind(name)].flatMap((one) => upstreamsOf(graph, one));
      if (sources.some((one) => one !== upstream && followed.has(one))) intermediates.add(name);
    }
  }
  return graph.nodes.map(({ name }) => name).filter((name) => intermediates.has(name));
}

/** Returns all names that can be reached from a name, in steps on which every name passes the test. */
function reachable(
  from: string,
  next: (name: string) => readonly string[],
  passes: (name: string) => boolean,
): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [from];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    for (const one of next(name)) {
      if (found.has(one) || !passes(one)) continue;
      found.add(one);
      open.push(one);
    }
  }
  return found;
}

/** Makes the graph of the applications in some pipelines. Throws {@link InvalidSystemError}. */
export function graphOf(
  classes: readonly ApplicationClass[],
  pipelines: readonly (readonly ApplicationClass[])[],
): SystemGraph {
  const edges = new Map<string, GraphEdge>();
  const policies = new Map<ApplicationClass, Policy>();
  for (const pipeline of pipelines) {
    for (const [i, downstream] of pipeline.entries()) {
      const upstream = pipeline[i - 1];
      if (upstream === undefined) continue;
      const policy = policies.get(downstream) ?? policyOf(downstream);
      policies.set(downstream, policy);
      assertHandlersRun(upstream, downstream, policy, pipelines);
      const edge = edgeOf(upstream, downstream, policy);
      edges.set(JSON.stringify([edge.upstream, edge.downstream]), edge);
    }
  }
  return {
    nodes: classes.map(({ applicationName, emits }) => ({ name: applicationName, emits: [...emits] })),
    edges: [...edges.values()],
  };
}

/** Throws {@link InvalidSystemError} for a handler of events of an upstream that are in no log. */
function assertHandlersRun(
  upstream: ApplicationClass,
  downstream: ApplicationClass,
  policy: Policy,
  pipelines: readonly (readonly ApplicationClass[])[],
): void {
  const unlogged = unloggedTypes(upstream.emits);
  if (unlogged === undefined) return;
  const upstreams = pipelines.flatMap((one) => one.filter((_, i) => one[i + 1] === downstream));
  const isRead = (type: string) =>
    (policy.handlesOwnEvents && downstream.emits.includes(type)) ||
    upstreams.some(({ emits }) => emits.includes(type) && !unloggedTypes(emits)?.has(type));
  const unread = policy.types.find((type) => unlogged.has(type) && !isRead(type));
  if (unread === undefined) return;
  throw new InvalidSystemError(
    `The policy of '${downstream.applicationName}' has a handler of '${unread}', which would never run: ` +
      `'${upstream.applicationName}' defines this type with 'notifiable: false', so its events are in no log. Remove the ` +
      'handler, or make the type notifiable.',
  );
}

function edgeOf(upstream: ApplicationClass, downstream: ApplicationClass, policy: Policy): GraphEdge {
  if (upstream === downstream && policy.handlesOwnEvents)
    throw new InvalidSystemError(handledTwice(upstream.applicationName));
  const unlogged = unloggedTypes(upstream.emits);
  const eventTypes = upstream.emits.filter((type) => policy.handlerOf(type) && !unlogged?.has(type));
  if (eventTypes.length === 0) {
    throw new InvalidSystemError(
      `Application '${downstream.applicationName}' follows '${upstream.applicationName}', but its policy handles ` +
        `none of that application's events (${upstream.emits.join(', ') || 'it has none'}): add a handler, or remove ` +
        'the application from the pipeline.',
    );
  }
  return { upstream: upstream.applicationName, downstream: downstream.applicationName, eventTypes };
}

/** Returns the policy of a class that follows others. Throws {@link InvalidSystemError} if it has none. */
export function policyOf(applicationClass: ApplicationClass): Policy {
  const application = constructed(applicationClass);
  const { policy } = application;
  if (policy === undefined || typeof policy.handlerOf !== 'function') {
    const method = isProjection(applicationClass) ? 'project' : 'when';
    throw new InvalidSystemError(
      `Class ${applicationClass.name} needs 'override readonly policy = this.${method}({ ... })'.`,
    );
  }
  return policy as Policy;
}

function constructed(applicationClass: ApplicationClass): ProcessApplication {
  let application: unknown;
  try {
    application = new applicationClass();
  } catch (error) {
    throw new InvalidSystemError(
      `Class ${applicationClass.name} failed in its constructor, which System.of() calls without arguments: ${messageOf(error)}`,
      { cause: error },
    );
  }
  if (application instanceof ProcessApplication) return application;
  if (applicationClass.remote !== undefined) {
    throw new InvalidSystemError(
      `Application '${applicationClass.applicationName}' of remote() runs in another system, so it follows nothing in this ` +
        'one. Name it at the start of pipelines only.',
    );
  }
  throw new InvalidSystemError(
    `Class ${applicationClass.name} follows another application, so it must extend ProcessApplication and have a policy.`,
  );
}
