import { setTimeout as delay } from 'node:timers/promises';
import {
  Application,
  CausalDependencyError,
  memory,
  type NotificationLog,
  ProcessApplication,
  type StorageDescription,
} from 'kahn';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Inbox, runLoop } from '../../src/runner/application-loop.ts';
import { MessageInbox } from '../../src/runner/multiprocess/message-inbox.ts';
import { openStorage } from '../../src/storage/storage.ts';
import { Account, type AccountEvent } from '../support/systems/accounts.ts';
import { until } from '../support/until.ts';

class CausalAccounts extends Application<AccountEvent> {
  static readonly applicationName: string = 'accounts';
  static readonly emits = ['Account.Opened', 'Account.Changed', 'Account.Closed'] as const;
  static readonly causalDependencies = true;
}
class OtherAccounts extends CausalAccounts {
  static override readonly applicationName = 'other accounts';
}

/** Ignores `Account.Opened`. */
class Changes extends ProcessApplication<AccountEvent, AccountEvent> {
  static readonly applicationName = 'changes';
  static readonly emits = ['Account.Opened'] as const;
  override readonly policy = this.when({ 'Account.Changed': () => {} });
}

/** Handles every event. */
class AllOfThem extends Changes {
  override readonly policy = this.when({}, () => {});
}

const never = 2 ** 30;

interface Running {
  readonly inbox: Inbox;
  readonly states: string[];
  readonly errors: unknown[];
}

function namesOf(logs: readonly NotificationLog[]): readonly string[] {
  return logs.map(({ applicationName }) => applicationName);
}

function inboxFor(logs: readonly NotificationLog[]): Inbox {
  return new MessageInbox(namesOf(logs), never);
}

/** Runs an application in a pipeline until the test has finished. */
async function run(
  kind: typeof Changes,
  storage: StorageDescription,
  pipelineId: number,
  logs: readonly NotificationLog[],
  inbox: Inbox = inboxFor(logs),
): Promise<Running> {
  const application = await kind.open({ storage, pipelineId });
  for (const log of logs) application.follow(log);
  const running = { inbox, states: [] as string[], errors: [] as unknown[] };
  const stop = new AbortController();
  const loop = runLoop(
    {
      application: application as ProcessApplication,
      upstreamNames: namesOf(logs),
      inbox: running.inbox,
      recordsWhenIdle: true,
      tick: undefined,
      report: {
        entered: (state) => void running.states.push(state),
        prompted: () => {},
        processed: () => {},
        replayed: () => {},
        interrupted: (error) => void running.errors.push(error),
      },
    },
    stop.signal,
  );
  onTestFinished(async () => {
    stop.abort();
    await loop;
    await application.close();
  });
  return running;
}

async function inTwo<A extends Application>(
  open: (pipelineId: number) => Promise<A>,
): Promise<readonly [A, A]> {
  const both = [await open(0), await open(1)] as const;
  for (const application of both) onTestFinished(() => application.close());
  return both;
}

/** A log that counts how often it is read. */
function counting(log: NotificationLog): { log: NotificationLog; reads(): number } {
  let reads = 0;
  return {
    log: {
      applicationName: log.applicationName,
      pipelineId: log.pipelineId,
      section: (id) => log.section(id),
      head: () => log.head(),
      select(after, limit) {
        reads += 1;
        return log.select(after, limit);
      },
    },
    reads: () => reads,
  };
}

const isIdle = ({ states }: Running) => states.at(-1) === 'idle';

describe('an application that waits for another pipeline', () => {
  test.each([
    ['handled', AllOfThem],
    ['ignored', Changes],
  ])('still processes the events that the other pipeline waits for: %s', async (_, kind) => {
    const storage = memory();
    const [a0, a1] = await inTwo((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const [b0, b1] = await inTwo((pipelineId) => OtherAccounts.open({ storage, pipelineId }));
    const [a, b] = [Account.open('a'), Account.open('b')];
    await a1.save(a);
    await a0.save(a.change(1));
    await b0.save(b);
    await b1.save(b.change(1));
    // The first log that each reads depends on the second log of the other.
    const zero = await run(kind, storage, 0, [a0.log, b0.log]);
    const one = await run(kind, storage, 1, [b1.log, a1.log]);
    await until('both are idle', () => isIdle(zero) && isIdle(one));
    expect(zero.errors[0]).toBeInstanceOf(CausalDependencyError);
    expect(one.errors.length).toBeLessThan(20);
    expect(zero.states).toContain('interrupted');
  });

  test('resumes when two pipelines wait for events that the other has ignored', async () => {
    const storage = memory();
    const [a0, a1] = await inTwo((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const [ada, eve] = [Account.open('ada'), Account.open('eve')];
    await a0.save(ada);
    await a1.save(eve);
    await a0.save(eve.change(1));
    await a1.save(ada.change(1));
    const zero = await run(Changes, storage, 0, [a0.log]);
    const one = await run(Changes, storage, 1, [a1.log]);
    await until('both are idle', () => isIdle(zero) && isIdle(one));
  });

  test('retries with a growing delay, whatever prompts arrive, and resumes automatically', async () => {
    const storage = memory();
    const [a0, a1] = await inTwo((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
    const account = Account.open('ada');
    await a0.save(account);
    await a1.save(account.change(1));
    const log = counting(a1.log);
    const one = await run(AllOfThem, storage, 1, [log.log]);
    const end = performance.now() + 1_500;
    let prompts = 0;
    for (; performance.now() < end; prompts += 1) {
      one.inbox.put('accounts');
      await delay(1);
    }
    expect(prompts).toBeGreaterThan(50);
    // After at least 5, 10, 20, 40, 80, 160, 320 and 500 ms, and so on.
    expect(one.errors.length).toBeGreaterThan(2);
    expect(one.errors.length).toBeLessThan(13);
    expect(log.reads()).toBe(1);
    expect(one.states).not.toContain('idle');
    expect(one.states.at(-1)).toBe('interrupted');
    await run(AllOfThem, storage, 0, [a0.log]);
    await until('it is idle', () => isIdle(one));
    expect(one.errors.length).toBeLessThan(16);
    expect(log.reads()).toBeLessThan(4);
  });
});

test('positions behind ignored events are recorded although the application is never idle', async () => {
  const storage = memory();
  const [a0] = await inTwo((pipelineId) => CausalAccounts.open({ storage, pipelineId }));
  const [b0] = await inTwo((pipelineId) => OtherAccounts.open({ storage, pipelineId }));
  await a0.save(Account.open('ada'));
  const inbox = inboxFor([a0.log, b0.log]);
  const busy: NotificationLog = {
    ...counting(b0.log).log,
    async select(after, limit) {
      inbox.put('other accounts'); // so that the inbox is never empty
      await delay(1);
      return b0.log.select(after, limit);
    },
  };
  const openedStorage = await openStorage(storage);
  const running = await run(Changes, storage, 0, [a0.log, busy], inbox);
  const recorder = await openedStorage.openRecorder({ applicationName: 'changes', setupTables: false });
  await until(
    'the position is recorded',
    async () => (await recorder.position(0, 'accounts')).position === 1,
  );
  expect(running.states).not.toContain('idle');
});
