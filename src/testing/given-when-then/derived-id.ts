import { assertId } from '../../util/ids.ts';

const prefix = '<derived id: ';

/**
 * Stands for an id that a policy gets from `repository.deriveId()`, in the events and rows that a test expects. Each role
 * stands for one id, and different roles for different ids.
 *
 * @param role Name of the id in this test.
 * @throws {@link InvalidIdError} if the role is not a non-empty string.
 * @example
 * await given(Reservations)
 *   .when(Orders, Order.place('ada'))
 *   .then([{ type: 'Reservation.Created', originatorId: derivedId('reservation') }]);
 */
export function derivedId(role: string): string {
  assertId(role, 'the role of derivedId()');
  return `${prefix}${role}>`;
}

/** Whether a value is the result of {@link derivedId}. */
export function isDerivedId(value: unknown): value is string {
  return typeof value === 'string' && value.startsWith(prefix);
}

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Ids of a test that the roles of {@link derivedId} may stand for, and those that they may not. */
export interface KnownIds {
  /** Ids that the test states itself. */
  readonly statedIds: ReadonlySet<string>;
  /** Ids that the policy got from `repository.deriveId()`. */
  readonly derivedIds: ReadonlySet<string>;
}

/** Which ids the roles of a test stand for. */
export class DerivedIds {
  readonly #known: KnownIds;
  /** Ids in the layout of derived ones that were refused because the policy made them otherwise. */
  readonly #others = new Set<string>();
  #ids: ReadonlyMap<string, string> = new Map();

  constructor(known: KnownIds) {
    this.#known = known;
  }

  /** Whether an id may be the one that a role stands for. From then on, the role stands for it. */
  accepts(role: string, id: unknown): boolean {
    if (typeof id !== 'string' || this.#known.statedIds.has(id)) return false;
    if (!this.#known.derivedIds.has(id)) {
      if (uuid.test(id)) this.#others.add(id);
      return false;
    }
    const known = this.#ids.get(role);
    if (known !== undefined) return known === id;
    if (this.#ids.values().some((other) => other === id)) return false;
    this.#ids = new Map([...this.#ids, [role, id]]);
    return true;
  }

  /** Text for the message of a failed test if an id was refused that looks like a derived one; else empty. */
  get advice(): string {
    const [id] = this.#others;
    if (id === undefined) return '';
    return (
      ` Id '${id}' does not come from repository.deriveId(): a random id is another one when the handler is repeated. Pass ` +
      'repository.deriveId() as the id of an aggregate that the policy creates.'
    );
  }

  /** Returns a copy. What it refuses while rows are matched is not in the advice. */
  copy(): DerivedIds {
    const copy = new DerivedIds(this.#known);
    copy.#ids = this.#ids;
    return copy;
  }

  /** Takes over what the roles of a copy stand for. */
  adopt(copy: DerivedIds): void {
    this.#ids = copy.#ids;
  }
}
