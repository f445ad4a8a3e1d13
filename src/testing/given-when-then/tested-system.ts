import type { ApplicationClass } from '../../application/application.ts';
import { defineResources } from '../../application/resources/resources.ts';
import { policyOf } from '../../system/graph.ts';
import { assertPartOf, System, type SystemOptions } from '../../system/system.ts';
import { InvalidArgumentError } from '../../util/options.ts';
import type { StatedWhen } from './policy-run.ts';

/**
 * Returns the system of a test, in which an application follows the upstreams; makes one if none is given.
 *
 * @param resources Resources that a system defines which is made.
 */
export function testedSystem(
  system: System | undefined,
  resources: object,
  applicationClass: ApplicationClass,
  whens: readonly StatedWhen[],
): System {
  const upstreams = whens.map(({ upstreamClass }) => upstreamClass);
  if (system === undefined) {
    for (const upstream of upstreams) assertHandled(upstream, applicationClass);
    const pipelines = upstreams.map((upstream) => [upstream, applicationClass]);
    const definitions = Object.entries(resources).map(([name, value]) => [name, () => value]);
    return systemOf(pipelines, { resources: defineResources(Object.fromEntries(definitions)) });
  }
  const { applicationName: downstream } = applicationClass;
  for (const upstreamClass of upstreams) {
    assertPartOf(system, applicationClass);
    assertPartOf(system, upstreamClass);
    const { applicationName: upstream } = upstreamClass;
    if (system.graph.edges.some((edge) => edge.upstream === upstream && edge.downstream === downstream))
      continue;
    throw new InvalidArgumentError(
      `'${downstream}' does not follow '${upstream}' in system '${system.name}', so it would not get the events of ` +
        `when(${upstreamClass.name}, …).`,
    );
  }
  return system;
}

/** Throws {@link InvalidArgumentError} if a policy handles no events of an upstream. System.of() explains other mistakes. */
function assertHandled(upstream: ApplicationClass, applicationClass: ApplicationClass): void {
  if (!Array.isArray(upstream?.emits)) return;
  const { name, applicationName, emits } = upstream;
  const policy = policyOf(applicationClass);
  if (emits.some((type) => policy.handlerOf(type) !== undefined)) return;
  throw new InvalidArgumentError(
    `when(${name}, …): the policy of '${applicationClass.applicationName}' handles none of the events of '${applicationName}' ` +
      `(${emits.join(', ') || 'it has none'}). Pass the application whose events it handles, or add a handler.`,
  );
}

/** `System.of()` for pipelines that are known at run time only. */
const systemOf = System.of as unknown as (
  pipelines: readonly (readonly ApplicationClass[])[],
  options: SystemOptions,
) => System;
