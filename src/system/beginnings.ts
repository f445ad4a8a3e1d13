import type { ApplicationClass } from '../application/application.ts';
import { nearestOf } from '../util/nearest-name.ts';
import { InvalidSystemError } from './errors.ts';
import { type SystemGraph, upstreamsOf } from './graph.ts';

/** Throws {@link InvalidSystemError} if a class says where it begins in the log of an application that it does not follow. */
export function assertBeginnings(classes: readonly ApplicationClass[], graph: SystemGraph): void {
  for (const { name, applicationName, begins } of classes) {
    if (begins === undefined || typeof begins === 'string' || begins instanceof Date) continue;
    const upstreams = upstreamsOf(graph, applicationName);
    const unknown = Object.keys(begins).find((one) => !upstreams.includes(one));
    if (unknown === undefined) continue;
    const nearest = nearestOf(unknown, upstreams);
    throw new InvalidSystemError(
      `'static readonly begins' of class ${name || '(anonymous)'} names '${unknown}', which application '${applicationName}' does not ` +
        `follow.${nearest === undefined ? '' : ` Did you mean '${nearest}'?`} Its upstreams are: ${upstreams.join(', ') || 'none'}.`,
    );
  }
}
