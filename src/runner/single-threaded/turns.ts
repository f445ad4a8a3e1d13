import { performance } from 'node:perf_hooks';
import { isTransientFailure } from '../../application/failures.ts';
import type { Progress } from '../../application/following/batches/batch-options.ts';
import type { ProcessedCounts } from '../../application/following/upstream-run.ts';
import { processApplicationInternals } from '../../application/process-application.ts';
import { inRootContext } from '../../util/environment/root-context.ts';
import { yieldIfDue } from '../../util/yield-to-event-loop.ts';
import { isObserved, publish } from '../diagnostics.ts';
import { localPipelineId } from '../local-pipeline.ts';
import { LoopWatch } from '../loops/loop-watch.ts';
import { UnrecordedPositions } from '../positions/unrecorded-positions.ts';
import { eventOf, type LocalApplication, type LocalLog, type Turn } from './local-application.ts';
import type { Wait } from './wait.ts';

/**
 * Runs the followers of a system in this thread. A turn processes what is prompted by a commit and everything that
 * follows from it, in the order of the prompts. Turns run side by side while policies wait for something, but an
 * application takes part in one turn at a time.
 */
export class Turns {
  readonly #applications: readonly LocalApplication[];
  readonly #finished: Wait[];
  readonly #signal: AbortSignal;
  readonly #loops: LoopWatch;
  readonly #positions: UnrecordedPositions;
  readonly #running = new Set<Turn>();
  /** Ended turns, for further use. */
  readonly #ended: Turn[] = [];
  #idle: PromiseWithResolvers<void> | undefined;

  /**
   * @param finished Waits for which nothing is pending.
   * @param recordsWhenIdle Whether positions behind ignored notifications are recorded as soon as the application is idle.
   * @param signal Aborted when no further batch may begin.
   */
  constructor(
    applications: readonly LocalApplication[],
    finished: Wait[],
    recordsWhenIdle: boolean,
    signal: AbortSignal,
  ) {
    this.#applications = applications;
    this.#finished = finished;
    this.#signal = signal;
    const recorderOf = (name: string) => applications.find((one) => one.name === name)?.recorder;
    this.#loops = new LoopWatch('SingleThreadedRunner', recorderOf);
    this.#positions = new UnrecordedPositions({
      recordsWhenIdle,
      isAhead: () => applications.some((one) => one.isAhead),
      overdue: () => this.join([]),
    });
    for (const one of applications) if (one.upstreams.length > 0) this.watch(one);
  }

  /** Notes the progress of an application that follows others. */
  watch(application: LocalApplication): void {
    processApplicationInternals.watch(application.process, (progress) =>
      this.#progressed(application, progress),
    );
  }

  /** Starts a turn for logs. Settles waits for which nothing is pending, at the latest at its end. */
  start(logs: Iterable<LocalLog>): void {
    if (this.#signal.aborted) return;
    const turn: Turn = this.#ended.pop() ?? new Set();
    for (const log of logs) turn.add(log);
    this.#running.add(turn);
    void inRootContext(() => this.#run(turn)); // it also processes what other callers have saved
  }

  /**
   * Adds logs that another process has extended to a turn that is running, or starts one. That process follows its own
   * events, and runners that process the same notifications at once repeat each other's work.
   */
  join(logs: Iterable<LocalLog>): void {
    const [turn] = this.#running;
    if (turn === undefined) this.start(logs);
    else for (const log of logs) turn.add(log);
  }

  /** Whether an application is processing notifications, or is about to. */
  isActive(application: LocalApplication): boolean {
    if (application.turn !== undefined) return true;
    for (const turn of this.#running) {
      for (const log of turn) if (log.follower === application && log.isDue) return true;
    }
    return false;
  }

  /** Requests the positions behind ignored notifications: they are recorded as soon as a turn has no work left. */
  requestPositions(): void {
    this.#positions.isAwaited = true;
  }

  /** Records the positions of an application behind ignored notifications. Returns the logs that it has to read again. */
  async recordPositionsOf(application: LocalApplication): Promise<readonly LocalLog[]> {
    await processApplicationInternals.recordPositions(application.process);
    return application.upstreams.filter((log) => log.rewindTo(seenIn(log)));
  }

  /** Stops the timer, so that no further turn starts for positions. */
  close(): void {
    this.#positions.close();
  }

  /** Resolves when no turn is running. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) {
      this.#idle ??= Promise.withResolvers();
      await this.#idle.promise;
    }
  }

  async #run(turn: Turn): Promise<void> {
    while (!this.#signal.aborted) {
      if (this.#positions.isDue(false)) await this.#recordPositions(turn);
      const log = this.#next(turn);
      if (log !== undefined) {
        const { follower } = log;
        follower.turn = turn;
        try {
          const running = follower.failure === undefined ? this.#follow(log) : undefined;
          const counts = running instanceof Promise ? await running : running; // no promise if all is ignored
          if (counts !== undefined) this.#followed(log, counts);
        } catch (error) {
          if (!this.#signal.aborted) this.#noteError(error, log, turn);
        }
        if (log.hasMissed) await this.#findMissed(log, turn);
        follower.turn = undefined;
        this.#positions.processed();
        follower.commitHold.release();
        if (this.#hasNext(turn)) this.#settle();
        const yielding = yieldIfDue(performance.now());
        if (yielding !== undefined) await yielding;
        continue;
      }
      if (this.#positions.isDue(true)) await this.#recordPositions(turn);
      this.#settle();
      if (turn.size === 0) break;
    }
    turn.clear();
    this.#running.delete(turn);
    this.#ended.push(turn);
    if (this.#running.size > 0) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Takes the next log whose follower can work now. A follower that works in another turn does the rest there. */
  #next(turn: Turn): LocalLog | undefined {
    for (const log of turn) {
      turn.delete(log);
      if (!log.isDue) continue;
      const other = log.follower.turn;
      if (other === undefined) return log;
      other.add(log);
    }
    return undefined;
  }

  /** Whether a turn has work left. Removes the logs without work. */
  #hasNext(turn: Turn): boolean {
    for (const log of turn) {
      if (log.isDue) return true;
      turn.delete(log);
    }
    return false;
  }

  #settle(): void {
    if (this.#finished.length === 0) return;
    for (const wait of this.#finished.splice(0)) wait.settle();
  }

  /** Finds effects that another runner has recorded, unless the log was restored from an older copy. */
  async #findMissed(log: LocalLog, turn: Turn): Promise<void> {
    const { follower } = log;
    try {
      await processApplicationInternals.compareLogs(follower.process);
      await log.findMissedEffects();
    } catch (error) {
      if (!this.#signal.aborted) noteUnknownEffects(log, error);
    }
    for (const one of follower.followers) turn.add(one);
  }

  #noteError(error: unknown, log: LocalLog, turn: Turn): void {
    const { follower } = log;
    for (const one of follower.upstreams) {
      sawAll(one); // what another runner has processed meanwhile did not fail
      if (one.hasMissed) turn.add(one);
    }
    follower.noteError(error, log);
  }

  #follow(log: LocalLog): ProcessedCounts | Promise<ProcessedCounts> {
    const { follower, upstream } = log;
    if (isObserved('prompted'))
      publish('prompted', { ...eventOf(follower.name), upstreamName: upstream.name });
    return log.mayHaveGrown ? this.#readHeadAndRun(log) : this.#runFollower(log);
  }

  async #readHeadAndRun(log: LocalLog): Promise<ProcessedCounts> {
    const head = await log.upstream.log.head();
    // A shorter log was restored from an older copy, or another prompt was faster.
    if (head < log.upstream.head) await processApplicationInternals.compareLogs(log.follower.process);
    log.upstream.sawHead(head);
    log.mayHaveGrown = false;
    return this.#runFollower(log);
  }

  #runFollower(log: LocalLog): ProcessedCounts | Promise<ProcessedCounts> {
    const { follower, upstream } = log;
    if (follower.isOvertaken) follower.commitHold.hold();
    // An application that follows itself extends the log as it reads.
    const upTo = log.isOwn ? Infinity : upstream.head;
    const options = { upstreamName: upstream.name, upTo, signal: this.#signal };
    return processApplicationInternals.run(follower.process, options);
  }

  #followed(log: LocalLog, counts: ProcessedCounts): void {
    const { follower } = log;
    sawAll(log);
    follower.isOvertaken = false;
    follower.noteSuccess(log);
    reportProcessed(follower.name, counts, this.#loops);
  }

  #progressed(application: LocalApplication, progress: Progress): void {
    if (progress.head !== undefined) application.sawHead(progress.head);
    const log = application.upstreams.find(({ upstream }) => upstream.name === progress.upstreamName);
    log?.progressed(progress);
    if (log?.isDue) this.#settle(); // more batches follow at once
    application.commitHold.release();
    if (progress.effects.length === 0) return;
    const { turn, followers } = application;
    if (turn === undefined) this.start(followers);
    else for (const one of followers) turn.add(one);
  }

  /** Records positions behind ignored notifications. Adds the logs whose notifications were not to be ignored. */
  async #recordPositions(turn: Turn): Promise<void> {
    this.#positions.recorded();
    for (const one of this.#applications) {
      if (!one.isAhead) continue;
      if (one.turn !== undefined || one.isResting) {
        this.#positions.isOverdue = true; // they are recorded when the application is free
        continue;
      }
      try {
        for (const log of await this.recordPositionsOf(one)) turn.add(log);
        one.noteSuccess();
      } catch (error) {
        this.#positions.isOverdue = true;
        for (const log of one.upstreams) log.mayHaveGrown = true; // what is done may be unknown now: the retry reads it
        if (!this.#signal.aborted) one.noteError(error);
      }
    }
  }
}

/** Notes what the follower of a log has seen, in batches that were reported or by reading its position. */
function sawAll(log: LocalLog): void {
  const seen = seenIn(log);
  log.rewindTo(seen); // after a reset of the position
  log.sawUpTo(seen);
}

function seenIn(log: LocalLog): number {
  return processApplicationInternals.seen(log.follower.process, log.upstream.name);
}

/** Tells the listeners of diagnostics and the watch for loops how many notifications were processed. */
function reportProcessed(name: string, counts: ProcessedCounts, loops: LoopWatch): void {
  for (const [upstreamName, count] of counts) {
    if (count === 0) continue;
    if (isObserved('processed')) publish('processed', { ...eventOf(name), upstreamName, count });
    loops.processed(name, localPipelineId, count);
  }
}

/** Notes that the effects of notifications could not be read. */
function noteUnknownEffects(log: LocalLog, error: unknown): void {
  const { follower } = log;
  if (!isTransientFailure(error)) log.rejectMissed(error);
  if (follower.failure === undefined) follower.noteError(error);
  else if (log.hasMissed) follower.retry.schedule();
}
