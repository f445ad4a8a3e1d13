import type { Aggregate } from '../../domain/aggregate.ts';
import type { DomainEvent } from '../../domain/event.ts';
import type { RecordedEvent } from '../../domain/provenance.ts';
import { kindOf } from '../../util/errors.ts';
import { InvalidPolicyError } from '../errors.ts';
import { MapAggregates } from './aggregates/map-aggregates.ts';
import { runHandler } from './handler-run.ts';
import { OwnEvents } from './own-events.ts';
import type { Policy, PolicyHandler, PolicyHandlers } from './policy.ts';
import { BatchContext, type PolicyContext, type PolicyNeeds } from './policy-context.ts';

/** The static properties of an application class on which its policy depends. */
interface PolicyOwner {
  readonly applicationName: string;
  readonly applyPolicyToGeneratedEvents?: boolean;
}

/** Makes a policy. Throws {@link InvalidPolicyError} if a handler is not a function. */
export function policyOf<
  Follows extends DomainEvent,
  E extends DomainEvent,
  Needs extends PolicyNeeds = PolicyNeeds,
>(
  { applicationName, applyPolicyToGeneratedEvents: handlesOwnEvents = false }: PolicyOwner,
  handlers: PolicyHandlers<Follows, E, Needs>,
  otherwise?: PolicyHandler<Follows, E, Needs>,
): Policy<Follows, E> {
  if (typeof handlers !== 'object' || handlers === null || Array.isArray(handlers)) {
    throw new InvalidPolicyError(
      `The policy of '${applicationName}' needs an object of handlers by event type, as in ` +
        `this.when({ 'Order.Created': (event) => … }), got ${kindOf(handlers)}.`,
    );
  }
  const byType = new Map(Object.entries(handlers).filter(([, handler]) => handler !== undefined));
  for (const [type, handler] of byType) assertFunction(handler, applicationName, `the handler of '${type}'`);
  if (otherwise !== undefined) assertFunction(otherwise, applicationName, 'the handler of all other events');
  const handlerOf = (type: string) =>
    (byType.get(type) ?? otherwise) as PolicyHandler<DomainEvent, DomainEvent> | undefined;
  const call = async (
    event: RecordedEvent<Follows>,
    byId: Map<string, Aggregate> = new Map(),
    parts: Partial<PolicyContext> = {},
  ) => {
    const handler = handlerOf(event.type);
    if (handler === undefined) return [];
    const aggregates = new MapAggregates(byId);
    const recordedNameOf = (name: string) => name;
    const given = new BatchContext({ ...parts, applicationName });
    const batch = { applicationName, upstreamName: '', recordedNameOf, aggregates, given };
    const handled = { event, part: 0 };
    if (!handlesOwnEvents) return (await runHandler(handler, handled, batch)) as readonly Aggregate<E>[];
    const { correlationId, metadata } = event;
    const carried = { ...(correlationId && { correlationId }), ...(metadata && { metadata }) };
    await new OwnEvents({ handlerOf }, handled, batch, () => carried).run(handler);
    return aggregates.returned as readonly Aggregate<E>[];
  };
  return Object.assign(call, { handlerOf, types: [...byType.keys()], handlesOwnEvents });
}

function assertFunction(handler: unknown, applicationName: string, what: string): void {
  if (typeof handler === 'function') return;
  throw new InvalidPolicyError(`In the policy of '${applicationName}', ${what} is not a function.`);
}
