import { storedTypesOf } from '../../domain/events/define-events.ts';
import { eventsIn } from '../../domain/events/split-event.ts';
import { hasVersion } from '../../domain/events/stored-type.ts';
import type { EventMapper } from '../../storage/codec/event-mapper.ts';
import type { StoredNotification } from '../../storage/stored-event.ts';
import type { OtherVersionReason } from '../following-errors.ts';
import type { Policy } from '../policy/policy.ts';

/** A notification that this version of the application must leave to another one. */
export interface BarredNotification {
  /** Index among the notifications that were checked. */
  readonly index: number;
  readonly notification: StoredNotification;
  readonly reason: OtherVersionReason;
}

/**
 * Holds back the notifications of an upstream that this version of the application must not ignore: their type is unknown
 * here, or another version handles it.
 */
export class TypeGate {
  readonly #policy: Policy;
  /** Types that the log of the upstream may hold; undefined if it declares none, so that no type is unknown. */
  readonly #declared: readonly string[] | undefined;
  readonly #mapper: EventMapper;
  /** Stored types that are handled here or may be ignored. */
  #passing: ReadonlySet<string> = new Set();
  /** Stored types that any version of the application handles, as recorded with the position. */
  #recorded: ReadonlySet<string> = new Set();

  /** @param mapper Mapper of the upstream. */
  constructor(policy: Policy, emits: readonly string[] | undefined, mapper: EventMapper) {
    this.#policy = policy;
    this.#declared = emits && storedTypesOf(emits);
    this.#mapper = mapper;
    this.setRecorded([]);
  }

  /**
   * The declared types that the policy handles, as they are stored. Former types that become others are among them: what
   * they become is known from their data only.
   */
  get handledTypes(): readonly string[] {
    return (this.#declared ?? []).filter((type) => this.#handles(type));
  }

  /** Sets the types that are recorded with the position as handled by some version. */
  setRecorded(types: readonly string[]): void {
    const recorded = new Set(types);
    const isAlone = types.every((type) => this.#handles(type));
    const passes = (type: string) =>
      this.#mapper.typeOf(type) === undefined ? isAlone : this.#handles(type) || !recorded.has(type);
    this.#recorded = recorded;
    this.#passing = new Set((this.#declared ?? []).filter(passes));
  }

  /** Finds the first notification that must be left to another version. */
  firstBarred(notifications: readonly StoredNotification[]): BarredNotification | undefined {
    for (let index = 0; index < notifications.length; index += 1) {
      const notification = notifications[index] as StoredNotification;
      if (this.#passing.has(notification.type)) continue;
      const reason = this.#reasonAgainst(notification);
      if (reason !== undefined) return { index, notification, reason };
    }
    return undefined;
  }

  #reasonAgainst(notification: StoredNotification): OtherVersionReason | undefined {
    const { type } = notification;
    if (this.#mapper.typeOf(type) === undefined)
      return this.#isPartLeft(notification) ? 'TYPE_HANDLED_ELSEWHERE' : undefined;
    const isKnown = this.#mapper.knows(type) ?? this.#declared?.includes(type) ?? true;
    // A handler of all other types does not handle versions that are unknown here.
    if (this.#handles(type) && (isKnown || !hasVersion(type))) return undefined;
    if (this.#recorded.has(type)) return 'TYPE_HANDLED_ELSEWHERE';
    return isKnown ? undefined : 'UNKNOWN_TYPE';
  }

  /** Whether another version handles an event that is read in place of one, and this version does not. */
  #isPartLeft(notification: StoredNotification): boolean {
    try {
      return eventsIn(this.#mapper.toRecorded(notification)).some(
        ({ type }) =>
          this.#policy.handlerOf(type) === undefined && this.#recorded.has(this.#mapper.storedTypeOf(type)),
      );
    } catch {
      return false; // it fails again, with the name of the notification, when the policy runs
    }
  }

  #handles(storedType: string): boolean {
    const type = this.#mapper.typeOf(storedType);
    return type === undefined || this.#policy.handlerOf(type) !== undefined;
  }
}
