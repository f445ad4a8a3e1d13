import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { MultiprocessRunner, pipelineFor } from 'kahn';
import { canonicalHistories } from 'kahn/testing';
import { expect, test } from 'vitest';
import { Orders } from '../../../examples/shop/orders.ts';
import { shop } from '../../../examples/shop/shop.ts';
import { type SeenEvent, watchRunners } from '../../support/events.ts';
import { assertContiguous, difference, unbrokenHistories } from '../../support/logs.ts';
import { watchProcesses } from '../../support/processes.ts';
import { randomNumbers } from '../../support/random-numbers.ts';
import { storages } from '../../support/storages.ts';
import { until } from '../../support/until.ts';

const never = 2 ** 30;
const pipelineIds = [0, 1, 2, 3];
const seed = Number(process.env.KAHN_SEED ?? Date.now() % 100_000);

const killsOn: Record<string, number> = { sqlite: 200, postgres: 100 };

/** After one more death in a row, before it has processed anything, an application is given up. */
const maxDeaths = 5;

/** The processes of a runner. Those of one application may not be killed so often in a row that it is given up. */
class Candidates {
  /** The applications of those that run. */
  readonly #running = new Map<ChildProcess, string>();
  readonly #starting = new Set<ChildProcess>();
  /** Those that have processed something. */
  readonly #useful = new Set<ChildProcess>();
  /** How often each application has died in a row, at most: of one that is being started it is not known whose it is. */
  readonly #deaths = new Map<string, number>();
  /** Whose message is being heard. */
  #speaker: ChildProcess | undefined;

  get running(): number {
    return this.#running.size;
  }

  readonly watch = (child: ChildProcess): void => {
    this.#starting.add(child);
    child.on('message', () => {
      this.#speaker = child;
    });
    child.once('exit', () => {
      this.#starting.delete(child);
      this.#running.delete(child);
    });
  };

  /** The runner tells of a process, and of its application, while it hears a message of it. */
  readonly hear = (event: SeenEvent): void => {
    if (event.kind === 'processed') this.#useful.add(this.#speaker!);
    if (event.kind !== 'started' && event.kind !== 'restarted') return;
    const child = this.#speaker!;
    const application = `${event.applicationName} ${event.pipelineId}`;
    const deaths = event.kind === 'restarted' ? event.restarts : 0;
    this.#deaths.set(application, child.killed ? deaths + 1 : deaths);
    this.#starting.delete(child);
    if (!child.killed) this.#running.set(child, application);
  };

  /** Kills one of those that run or are being started, by chance; false if none of them may be killed now. */
  kill(isStarting: boolean, chance: number): boolean {
    const starting = [...this.#starting].filter((child) => child.pid !== undefined && !child.killed);
    return isStarting && starting.length > 1 && this.#mayDie(this.#away)
      ? this.#kill(starting, chance, this.#away)
      : this.#killRunning(chance);
  }

  #killRunning(chance: number): boolean {
    const all = [...this.#running.keys()].filter(
      (child) => this.#useful.has(child) || this.#mayDie([this.#running.get(child)!]),
    );
    const victim = all[Math.floor(chance * all.length)];
    if (victim === undefined) return false;
    const application = this.#running.get(victim)!;
    if (this.#useful.has(victim)) this.#deaths.set(application, 0);
    this.#running.delete(victim);
    return this.#kill([victim], 0, [application]);
  }

  #kill(those: readonly ChildProcess[], chance: number, applications: readonly string[]): boolean {
    for (const application of applications)
      this.#deaths.set(application, (this.#deaths.get(application) ?? 0) + 1);
    return those[Math.floor(chance * those.length)]!.kill('SIGKILL');
  }

  /** The applications of those that are being started. */
  get #away(): readonly string[] {
    const running = new Set(this.#running.values());
    return [...this.#deaths.keys()].filter((application) => !running.has(application));
  }

  #mayDie(applications: readonly string[]): boolean {
    return applications.every((application) => (this.#deaths.get(application) ?? 0) < maxDeaths);
  }
}

for (const { name, create } of storages.filter((storage) => storage.name in killsOn)) {
  const kills = killsOn[name] ?? 0;
  test(`processes killed ${kills} times at random lose and double nothing, on ${name} (KAHN_SEED=${seed})`, {
    timeout: 600_000,
  }, async () => {
    const random = randomNumbers(seed);
    const candidates = new Candidates();
    const events = watchRunners(candidates.hear);
    const processes = watchProcesses(candidates.watch);
    await using runner = await MultiprocessRunner.start(shop, {
      persistence: create(),
      pipelineIds,
      pollIntervalMs: never,
      batchSize: 7,
    });
    expect(processes.size).toBe(12);
    let killed = 0;
    const killAll = async () => {
      for (; killed < kills; killed += 1) {
        // A few may be away at a time; one that is being started is killed now and then, too.
        await until('most processes run', () => candidates.running >= 9);
        await delay(random() * 20);
        const isStarting = random() < 0.08;
        const chance = random();
        await until('one may be killed', () => candidates.kill(isStarting, chance));
      }
    };
    const over = killAll();
    const customers: string[] = [];
    for (let round = 0; killed < kills; round += 1) {
      const burst = Array.from({ length: 20 }, (_, i) => `customer ${customers.length + i}`);
      customers.push(...burst);
      await Promise.all(
        burst.map((customer) => runner.get(Orders, pipelineFor(customer, pipelineIds)).place(customer)),
      );
      await until('the next kill', () => killed > round);
    }
    await over;
    await runner.caughtUp();
    const applications = pipelineIds.flatMap((id) => shop.applications.map((kind) => runner.get(kind, id)));
    for (const application of applications) await assertContiguous(application);
    const histories = await canonicalHistories(applications);
    expect(difference(histories, await unbrokenHistories(customers))).toEqual({ lost: [], doubled: [] });
    const restarts = events.filter(({ kind }) => kind === 'restarted').length;
    expect(restarts).toBeGreaterThan(kills / 2); // some were killed before they were ready
    console.log(`${name}: ${killed} killed, ${restarts} restarted, ${customers.length} orders`);
  });
}
