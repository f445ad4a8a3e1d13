import type { Policy, PolicyHandler } from '../../application/policy/policy.ts';
import type { DomainEvent } from '../../domain/event.ts';

/** Receives an id that a policy got from `repository.deriveId()`. */
export type DerivedListener = (id: string) => void;

export type AnyHandler = PolicyHandler<DomainEvent, DomainEvent>;

/** Returns the handlers of a policy, which call a listener with each id that they derive. */
export function observedHandlers(
  handlerOf: Policy['handlerOf'],
  derived: DerivedListener,
): Policy['handlerOf'] {
  return (type) => {
    const handler = handlerOf(type);
    if (handler === undefined) return undefined;
    return (event, repository, context) => {
      const deriveId = repository.deriveId.bind(repository);
      repository.deriveId = () => {
        const id = deriveId();
        derived(id);
        return id;
      };
      return handler(event, repository, context);
    };
  };
}
