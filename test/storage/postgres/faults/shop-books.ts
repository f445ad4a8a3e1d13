import { query } from '../../../support/servers/postgres.ts';
import type { Answers } from './shop-answers.ts';

/** Differences between the recorded and the expected events of the shop. */
export interface Books {
  /** Missing events of acknowledged orders, and missing events that follow from any order. */
  readonly lost: readonly string[];
  /** Surplus events: events of rejected orders, and duplicates. */
  readonly doubled: readonly string[];
}

interface Row {
  readonly application: string;
  readonly pipeline: number;
  readonly id: number;
  readonly type: string;
  readonly order: string;
}

const expectedOfOrder = [
  'Order.Created',
  'Order.Reserved',
  'Order.Paid',
  'Reservation.Created',
  'Payment.Created',
];

/** Compares the recorded events with the answers, after everything is processed. */
export async function booksOf(url: string, schema: string, answers: Answers): Promise<Books> {
  const rows = await rowsOf(url, schema);
  const lost: string[] = [];
  const doubled: string[] = [];
  const typesOf = new Map<string, string[]>();
  for (const { order, type } of rows) typesOf.set(order, [...(typesOf.get(order) ?? []), type]);
  for (const id of answers.acknowledged) if (!typesOf.has(id)) lost.push(`order ${id}`);
  for (const [id, types] of typesOf) {
    const isAskedFor = answers.acknowledged.has(id) || answers.unknown.has(id);
    if (!isAskedFor) doubled.push(`order ${id}, which was refused or never placed`);
    for (const type of expectedOfOrder) {
      const count = types.filter((one) => one === type).length;
      if (count === 0) lost.push(`${type} of ${id}`);
      if (count > 1) doubled.push(`${type} of ${id}`);
    }
    if (types.length !== new Set(types).size) doubled.push(`an event of ${id}`);
  }
  for (const application of ['orders', 'reservations', 'payments']) {
    const ids = rows.filter((row) => row.application === application).map(({ id }) => id);
    const gap = ids.findIndex((id, i) => id !== i + 1);
    if (gap >= 0) lost.push(`notification ${gap + 1} of ${application}`);
  }
  return { lost, doubled };
}

/** Returns all events of the shop, by log, with the order that each belongs to. */
function rowsOf(url: string, schema: string): Promise<Row[]> {
  const logs = ['orders', 'reservations', 'payments'].map(
    (application) => `
      select '${application}' as application, notification_id::integer as id, type,
        case '${application}' when 'orders' then originator_id else (data::json ->> 'orderId') end as order
      from ${schema}.${application}_events`,
  );
  return query(`${logs.join(' union all ')} order by application, id`, [], url);
}
