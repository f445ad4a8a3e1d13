import type { ExplanationData, ParkedReason, TracedEffect, TracedEvent } from 'kahn';
import { describe, expect, test } from 'vitest';
import { Explanation } from '../../../src/tracing/explanation/explanation.ts';
import { relativeTime } from '../../../src/tracing/explanation/relative-time.ts';

const start = Date.parse('2026-11-26T09:00:00Z');

function eventOf(
  applicationName: string,
  notificationId: number,
  more: Partial<TracedEvent> = {},
): TracedEvent {
  return {
    applicationName,
    pipelineId: 0,
    notificationId,
    type: 'Order.Created',
    originatorId: '01a21738-a05b-71de-80c0-8afa004c5efe',
    originatorVersion: notificationId,
    timestamp: start + 3 * notificationId,
    correlationId: 'cart 7',
    ...more,
  };
}

function effectOf(event: TracedEvent, ...effects: TracedEffect[]): TracedEffect {
  return { ...event, effects, unprocessedBy: [], parkedBy: [] };
}

function explanationOf(parts: Partial<ExplanationData> & Pick<ExplanationData, 'event'>): Explanation {
  return new Explanation({ causes: [], origin: { kind: 'command' }, cuts: [], ...parts });
}

const forked = effectOf(
  eventOf('orders', 2, { type: 'Order.Reserved' }),
  effectOf(eventOf('payments', 1, { type: 'Payment.Created', timestamp: start + 4_200 }), {
    ...effectOf(eventOf('orders', 3, { type: 'Order.Paid', timestamp: start + 65_000 })),
    unprocessedBy: ['mail'],
  }),
  effectOf(eventOf('shipping', 4, { type: 'Parcel.Packed', originatorId: 'parcel 1' })),
);

const picture = explanationOf({
  event: forked,
  causes: [eventOf('orders', 1)],
  cuts: [
    { reason: 'breadth', cause: forked, applicationName: 'shipping', count: 12 },
    { reason: 'depth', cause: forked.effects[1]!, applicationName: 'reports', count: 1 },
  ],
});

describe('the text', () => {
  test('is a tree from the first cause to the last effect, with remarks on what is left out', () => {
    expect(`${picture}`).toMatchInlineSnapshot(`
      "From 2026-11-26T09:00:00.003Z, by a command, correlation id cart 7

        orders 1           Order.Created         +0 ms  01a21738-a05b-71de-80c0-8afa004c5efe v1
      ▶ └─ orders 2        Order.Reserved        +3 ms  01a21738-a05b-71de-80c0-8afa004c5efe v2
           ├─ payments 1   Payment.Created      +4.2 s  01a21738-a05b-71de-80c0-8afa004c5efe v1
           │  └─ orders 3  Order.Paid       +1 min 4 s  01a21738-a05b-71de-80c0-8afa004c5efe v3
           │     └─ not processed yet by mail
           ├─ shipping 4   Parcel.Packed         +9 ms  parcel 1 v4
           │  └─ … 1 effect in reports, deeper than the tree
           └─ … 12 more effects in shipping
      "
    `);
  });

  test('says who has parked an event, since when, and the beginning of the reason', () => {
    const parked = (applicationName: string, attempts: number, reason: ParkedReason) => ({
      ...{ applicationName, since: start, attempts, isDue: false },
      ...reason,
    });
    const long = { name: 'E', message: `${'x'.repeat(90)}\nmore` };
    const behind = { upstreamName: 'orders', notificationId: 2 };
    const event = {
      ...effectOf(eventOf('orders', 5)),
      parkedBy: [
        parked('mail', 2, { error: { name: 'Error', message: 'no server\nat all' } }),
        parked('payments', 0, { behind }),
        parked('reports', 1, { error: long }),
        parked('shipping', 1, {}),
      ],
    };
    const lines = String(explanationOf({ event })).split('\n').slice(3);
    expect(lines).toEqual([
      '  ├─ parked by mail since 2026-11-26T09:00:00.000Z after 2 tries',
      '  │  └─ Error: no server…',
      '  ├─ parked by payments since 2026-11-26T09:00:00.000Z, behind orders 2',
      '  ├─ parked by reports since 2026-11-26T09:00:00.000Z after 1 try',
      `  │  └─ E: ${'x'.repeat(67)}…`,
      '  └─ parked by shipping since 2026-11-26T09:00:00.000Z after 1 try',
      '',
    ]);
  });

  test('names pipelines other than 0, and the lack of a correlation id', () => {
    const { correlationId: _, ...event } = eventOf('orders', 5, { pipelineId: 3 });
    const text = String(explanationOf({ event: effectOf(event), origin: { kind: 'unrecorded' } }));
    expect(text).toMatchInlineSnapshot(`
      "From 2026-11-26T09:00:00.015Z, cause not recorded, no correlation id

      ▶ orders (pipeline 3) 5  Order.Created  +0 ms  01a21738-a05b-71de-80c0-8afa004c5efe v5
      "
    `);
  });

  test.each([
    { above: 0, below: 0, indent: 3, aggregate: '01a21738-a05b-71de-80c0-8afa004c5efe v1' },
    { above: 2, below: 6, indent: 3, aggregate: '…afa004c5efe v1' },
    { above: 2, below: 10, indent: 2, aggregate: '…afa004c5efe v1' },
    { above: 0, below: 20, indent: 2, aggregate: undefined },
    { above: 20, below: 20, indent: 1, aggregate: undefined },
  ])('has at most 100 columns for $above causes and $below levels of effects', (levels) => {
    const { above, below, indent, aggregate } = levels;
    const more = { originatorVersion: 1, timestamp: start };
    const causes = Array.from({ length: above }, () => eventOf('orders', 800_000, more));
    let event = effectOf(eventOf('reservations', 999_999, { ...more, type: 'Reservation.Created' }));
    for (let i = 0; i < below; i += 1) event = effectOf(eventOf('reservations', 900_000, more), event);
    const text = String(explanationOf({ event, causes }));
    const lines = text.split('\n');
    expect(lines).toHaveLength(2 + above + 1 + below + 1);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(100);
    expect(lines.at(-2)?.indexOf('reservations')).toBe(2 + (above + below) * indent);
    if (aggregate === undefined) expect(text).not.toContain('c5efe');
    else expect(lines.at(-2)).toContain(` ${aggregate}`);
  });

  test('shows no control characters of ids, names and types', () => {
    const wrong = '\u001b[31m\n\u0085';
    const event = eventOf(`a${wrong}`, 1, { type: wrong, originatorId: wrong, correlationId: wrong });
    const text = String(explanationOf({ event: effectOf(event) }));
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(text.split('\n')).toHaveLength(4);
  });
});

/** Lines of a flowchart as Mermaid reads them: nodes with quoted labels, edges, classes. */
const label = String.raw`(?:[\p{L}\p{N} .,:+()…-]|#\d+;|<br/>)+`;
const mermaidLines = [
  /^flowchart TD$/,
  new RegExp(`^ {2}n\\d+\\["${label}"\\](?::::(?:explained|remark))?$`, 'u'),
  /^ {2}n\d+ --> n\d+$/,
  /^ {2}classDef (?:explained stroke-width:4px|remark stroke-dasharray:4)$/,
  /^$/,
];

describe('the Mermaid flowchart', () => {
  test('has a node for each event and remark, and an edge from each to its effects', () => {
    expect(picture.toMermaid()).toMatchInlineSnapshot(`
      "flowchart TD
        n0["orders 1<br/>Order.Created<br/>+0 ms<br/>by a command"]
        n1["orders 2<br/>Order.Reserved<br/>+3 ms"]:::explained
        n2["payments 1<br/>Payment.Created<br/>+4.2 s"]
        n3["orders 3<br/>Order.Paid<br/>+1 min 4 s"]
        n4["not processed yet by mail"]:::remark
        n5["shipping 4<br/>Parcel.Packed<br/>+9 ms"]
        n6["… 1 effect in reports, deeper than the tree"]:::remark
        n7["… 12 more effects in shipping"]:::remark
        n0 --> n1
        n1 --> n2
        n2 --> n3
        n3 --> n4
        n1 --> n5
        n5 --> n6
        n1 --> n7
        classDef explained stroke-width:4px
        classDef remark stroke-dasharray:4
      "
    `);
  });

  test('writes whatever is in a name or type so that Mermaid can read it', () => {
    const wrong = 'end "a" <b>&amp; [x] {y} |z| \\ ` ; # %% \n --> 漢字 😀';
    const events = [eventOf(wrong, 1, { type: wrong }), eventOf('subgraph', 2, { type: '' })];
    for (const event of events) {
      const text = explanationOf({ event: effectOf(event, effectOf(eventOf('b', 1))) }).toMermaid();
      for (const line of text.split('\n')) {
        expect(
          mermaidLines.some((form) => form.test(line)),
          line,
        ).toBe(true);
      }
    }
  });
});

test('the data can be written as JSON, without methods', () => {
  const { event, causes, origin, cuts } = picture;
  expect(JSON.parse(JSON.stringify(picture))).toEqual({ event, causes, origin, cuts });
});

test.each([
  [0, '+0 ms'],
  [999, '+999 ms'],
  [-12, '-12 ms'],
  [1_000, '+1.0 s'],
  [59_940, '+59.9 s'],
  [60_000, '+1 min 0 s'],
  [3_599_999, '+59 min 59 s'],
  [7_500_000, '+2 h 5 min'],
  [3 * 86_400_000 + 4 * 3_600_000, '+3 d 4 h'],
])('a time of %i ms is shown as %s', (ms, shown) => {
  expect(relativeTime(ms)).toBe(shown);
});
