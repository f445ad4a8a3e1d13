import type { ChildProcess } from 'node:child_process';
import type { SeenEvent } from '../../support/watchers/events.ts';

/** Deaths in a row without progress after which one more makes the application fail. */
const maxDeaths = 5;

/** Processes of a runner that may be killed: never one application so often in a row that it fails. */
export class KillCandidates {
  /** Applications of the processes that run. */
  readonly #running = new Map<ChildProcess, string>();
  readonly #starting = new Set<ChildProcess>();
  /** Processes that have processed a notification. */
  readonly #useful = new Set<ChildProcess>();
  /** Most deaths in a row of each application; the application of a process that is starting is unknown. */
  readonly #deaths = new Map<string, number>();
  /** Process whose message is being received. */
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

  /** The runner publishes the events of an application while it receives a message of its process. */
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

  /** Kills a running or starting process, by chance; returns false if none may be killed now. */
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

  #kill(processes: readonly ChildProcess[], chance: number, applications: readonly string[]): boolean {
    for (const application of applications)
      this.#deaths.set(application, (this.#deaths.get(application) ?? 0) + 1);
    return processes[Math.floor(chance * processes.length)]!.kill('SIGKILL');
  }

  /** Applications without a running process. */
  get #away(): readonly string[] {
    const running = new Set(this.#running.values());
    return [...this.#deaths.keys()].filter((application) => !running.has(application));
  }

  #mayDie(applications: readonly string[]): boolean {
    return applications.every((application) => (this.#deaths.get(application) ?? 0) < maxDeaths);
  }
}
