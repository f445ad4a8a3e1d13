import { assertId } from '../../util/ids.ts';

const prefix = '<derived id: ';

/**
 * Stands for an id that a policy makes, in the events and rows that a test expects. Each role stands for one id, and
 * different roles for different ids.
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

/** Which ids the roles of a test stand for. */
export class DerivedIds {
  readonly #stated: ReadonlySet<string>;
  #ids: ReadonlyMap<string, string> = new Map();

  /** @param stated Ids that the test states itself, which no role stands for. */
  constructor(stated: ReadonlySet<string>) {
    this.#stated = stated;
  }

  /** Whether an id may be the one that a role stands for. From then on, the role stands for it. */
  accepts(role: string, id: unknown): boolean {
    if (typeof id !== 'string' || !uuid.test(id) || this.#stated.has(id)) return false;
    const known = this.#ids.get(role);
    if (known !== undefined) return known === id;
    if (this.#ids.values().some((other) => other === id)) return false;
    this.#ids = new Map([...this.#ids, [role, id]]);
    return true;
  }

  copy(): DerivedIds {
    const copy = new DerivedIds(this.#stated);
    copy.#ids = this.#ids;
    return copy;
  }

  /** Takes over what the roles of a copy stand for. */
  adopt(copy: DerivedIds): void {
    this.#ids = copy.#ids;
  }
}
