import fc from 'fast-check';
import { CausalDependencyError, memory, ProcessApplication } from 'kahn';
import { expect, test } from 'vitest';
import { propertyRuns } from '../../support/seed.ts';
import { Account, type AccountEvent, Accounts } from '../../support/systems/accounts.ts';

class CausalAccounts extends Accounts {
  static readonly causalDependencies = true;
}

const pipelineIds = [0, 1, 2];

/** Versions of the accounts that were read before an event was made. */
type Knowledge = Readonly<Record<string, number>>;

/** Repeats the changes of its upstream. Throws if an event builds on a version that it has not processed. */
abstract class Mirror extends ProcessApplication<AccountEvent, AccountEvent> {
  static readonly emits = ['Account.Opened', 'Account.Changed'] as const;
  static readonly causalDependencies = true;
  /** Newest version of each account that any of its pipelines has processed. */
  known = new Map<string, number>();
  override readonly policy = this.when({
    'Account.Opened': ({ originatorId, originatorVersion, data }) => {
      this.#learn(originatorId, originatorVersion, {});
      return Account.open(data.owner, originatorId);
    },
    'Account.Changed': async ({ originatorId, originatorVersion, data }, repository) => {
      this.#learn(originatorId, originatorVersion, data.by as Knowledge);
      for (const id of Object.keys(data.by as Knowledge)) await repository.get(Account, id);
      (await repository.get(Account, originatorId)).change(data.by);
    },
  });

  #learn(id: string, version: number, knowledge: Knowledge): void {
    expect(version, 'all earlier versions are known').toBe((this.known.get(id) ?? 0) + 1);
    for (const [other, least] of Object.entries(knowledge))
      expect(this.known.get(other) ?? 0, 'its dependencies are known').toBeGreaterThanOrEqual(least);
    this.known.set(id, version);
  }
}
class First extends Mirror {
  static readonly applicationName = 'first';
}
class Second extends Mirror {
  static readonly applicationName = 'second';
}

type Step =
  | { readonly kind: 'open'; readonly pipeline: number }
  | {
      readonly kind: 'change';
      readonly pipeline: number;
      readonly which: number;
      readonly others: readonly number[];
    }
  | { readonly kind: 'run'; readonly who: number; readonly pipeline: number; readonly upTo: number };

const pipeline = fc.constantFrom(...pipelineIds);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('open' as const), pipeline }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      pipeline,
      which: fc.nat(5),
      others: fc.array(fc.nat(5), { maxLength: 2 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('run' as const),
      who: fc.nat(1),
      pipeline,
      upTo: fc.integer({ min: 1, max: 12 }),
    }),
  },
);

/** An upstream, its follower, and the follower of its follower, each in all pipelines. */
async function opened(batchSize: number) {
  const storage = memory();
  const open = <A>(one: (pipelineId: number) => Promise<A>) => Promise.all(pipelineIds.map(one));
  const accounts = await open((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
  const first = await open((pipelineId) => First.open({ storage, pipelineId }));
  const second = await open((pipelineId) => Second.open({ storage, pipelineId }));
  for (const pipelineId of pipelineIds) {
    first[pipelineId]!.follow(accounts[pipelineId]!.log, batchSize);
    second[pipelineId]!.follow(first[pipelineId]!.log, batchSize);
  }
  for (const mirrors of [first, second]) for (const mirror of mirrors) mirror.known = mirrors[0]!.known;
  return { accounts, first, second };
}
type Opened = Awaited<ReturnType<typeof opened>>;

/** Runs until a notification must wait. */
async function run(mirror: Mirror, upTo: number): Promise<void> {
  try {
    await mirror.run({ upTo });
  } catch (error) {
    if (!(error instanceof CausalDependencyError)) throw error;
  }
}

/** Number of events that the mirrors have processed in total. */
function knownTo(mirrors: readonly Mirror[]): number {
  return mirrors.flatMap(({ known }) => [...known.values()]).reduce((sum, version) => sum + version, 0);
}

async function take(one: Step, ids: string[], { accounts, first, second }: Opened): Promise<void> {
  const application = accounts[one.pipeline]!;
  const get = (which: number) => application.repository.get(Account, ids[which % ids.length]!);
  if (one.kind === 'open') {
    const account = Account.open('ada');
    await application.save(account);
    ids.push(account.id);
  } else if (one.kind === 'run') {
    await run([first, second][one.who]![one.pipeline]!, one.upTo);
  } else if (ids.length > 0) {
    const account = await get(one.which);
    const others = await Promise.all(one.others.map(get));
    const looked = others.filter(({ id }) => id !== account.id);
    account.change(Object.fromEntries(looked.map(({ id, version }) => [id, version])));
    await application.save(account, ...looked);
  }
}

test('nothing is processed before its dependencies, and everything in the end, in any order of pipelines', async () => {
  const property = fc.asyncProperty(
    fc.array(step, { minLength: 10, maxLength: 80 }),
    fc.integer({ min: 1, max: 5 }),
    async (steps, batchSize) => {
      const system = await opened(batchSize);
      const ids: string[] = [];
      for (const one of steps) await take(one, ids, system);
      const mirrors = [...system.first, ...system.second];
      // From the last to the first, so that they wait for each other as often as possible.
      for (let before = -1; before < knownTo(mirrors); ) {
        before = knownTo(mirrors);
        for (const mirror of mirrors.toReversed()) await run(mirror, Number.MAX_SAFE_INTEGER);
      }
      const versions = new Map<string, number>();
      for (const id of ids) versions.set(id, (await system.accounts[0]!.repository.get(Account, id)).version);
      expect(system.first[0]!.known).toEqual(versions);
      expect(system.second[0]!.known).toEqual(versions);
      for (const application of [...system.accounts, ...mirrors]) await application.close();
    },
  );
  await fc.assert(property, propertyRuns(50, 150));
});
