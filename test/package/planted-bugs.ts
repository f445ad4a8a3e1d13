/** A bug in `examples/proven-shop/shop.ts`, and the test of `shop.test.ts` that finds it. */
export interface PlantedBug {
  readonly name: string;
  /** Each text, which the file has once, and what replaces it. */
  readonly edits: readonly (readonly [string, string])[];
  /** Title of the test that fails. */
  readonly foundBy: string;
  readonly message: RegExp;
}

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'counts-from-zero',
    edits: [['customer, number: 1 }', 'customer, number: 0 }']],
    foundBy: 'opens a bill for an order',
    message: /^AssertionError: The policy of 'bills' recorded other events than expected\./,
  },
  {
    name: 'needs-the-memory-of-another-thread',
    edits: [
      ['/** The bills', 'const customers: string[] = [];\n\n/** The bills'],
      ['    await this.save(', '    customers.push(customer);\n    await this.save('],
      [
        'book.open(originatorId, customer)',
        "book.open(originatorId, customers.includes(customer) ? customer : 'unknown')",
      ],
    ],
    foundBy: 'leaves the same on record everywhere',
    message:
      /^NotEquivalentError: .* - SingleThreadedRunner on memory, \+ MultiThreadedRunner on memory\.[\s\S]*^\+ .*"customer":"unknown"/m,
  },
  {
    name: 'counts-in-memory',
    edits: [
      ['open(orderId: string, customer: string)', 'open(orderId: string, customer: string, number: number)'],
      ['number: this.numbers.size + 1', 'number'],
      ['emits = billEvents;\n', 'emits = billEvents;\n  #count = 1;\n'],
      [
        'book.open(originatorId, customer)',
        'this.#count += 1;\n      book.open(originatorId, customer, this.#count)',
      ],
    ],
    foundBy: 'survives every crash',
    message:
      /^CrashNotSurvivedError: .* a crash (before|inside|after) .*'bills': Bill\.Opened[\s\S]*^- .*"number":\d/m,
  },
  {
    name: 'counts-when-the-parcel-is-packed',
    edits: [['book.numbers.get(orderId) ?? 0', 'book.numbers.size']],
    foundBy: 'runs under any schedule',
    message:
      /^ScheduleFailedError: A schedule fails:\n- [\s\S]*^\+ .*Bill\.Sent.*"number":\d[\s\S]*pass \{ seed: \d+/m,
  },
  {
    name: 'forgets-an-upstream',
    edits: [
      ["    'Parcel.Packed': async", "    /* 'Parcel.Packed': async"],
      ['repository.deriveId());\n    },\n', 'repository.deriveId());\n    }, */\n'],
      ['[Orders, Parcels, Bills]', '[Orders, Parcels]'],
    ],
    foundBy: 'keeps its graph',
    message: /'bills' no longer follows 'parcels': its position stays in the storage/,
  },
  {
    name: 'cuts-long-names',
    edits: [
      ['data: { customer } }', 'data }'],
      ['if (!(await', 'const customer = data.customer.slice(0, 20);\n      if (!(await'],
    ],
    foundBy: 'makes the events that are on record',
    message: /data\.customer: 'Wilhelmina van Oranje-Nassau' -> 'Wilhelmina van Oranj'/,
  },
];

/** Returns the source with a bug. */
export function withBug(source: string, { name, edits }: PlantedBug): string {
  let broken = source;
  for (const [text, replacement] of edits) {
    if (broken.split(text).length !== 2) throw new Error(`${name}: the source has not one place: ${text}`);
    broken = broken.replace(text, () => replacement);
  }
  return broken;
}
