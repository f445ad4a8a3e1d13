import { describe, expect, test } from 'vitest';
import {
  FollowerFailure,
  PositionWatch,
  type WatchedFollower,
} from '../../../src/runner/waiting/position-watch.ts';
import { watchListeners } from '../../support/watchers/listeners.ts';

const { signal } = new AbortController();

/** A follower whose position and state a test sets. */
class Follower implements WatchedFollower {
  current = 0;
  status: ReturnType<WatchedFollower['state']> = { state: 'running', lastError: undefined };
  /** What happens after a read of the position, before its answer arrives. */
  afterRead = () => {};
  refresh = async () => {};
  prompts = 0;
  fitsLog = true;
  /** Number of comparisons of the position with the log. */
  comparisons = 0;
  /** Longest pause after each look, in ms. */
  readonly pauses: number[] = [];
  #progress = 0;
  #wake = () => {};
  readonly #pauseMs: number | undefined;

  /** Without `pauseMs`, only progress and an abort end a pause. */
  constructor(pauseMs?: number) {
    this.#pauseMs = pauseMs;
  }

  readonly progress: WatchedFollower['progress'] = (() => {
    const follower = this;
    return {
      get progress() {
        return follower.#progress;
      },
      async progressSince(seen, timeoutMs, stop) {
        follower.pauses.push(timeoutMs);
        if (seen !== follower.#progress || stop.aborted) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        follower.#wake = resolve;
        stop.addEventListener('abort', () => resolve(), { once: true });
        const timer = follower.#pauseMs === undefined ? undefined : setTimeout(resolve, follower.#pauseMs);
        await promise;
        clearTimeout(timer);
      },
    };
  })();

  state() {
    return this.status;
  }

  async head() {
    return 0;
  }

  async position() {
    const recorded = { pipelineId: 0, upstreamName: 'up', position: this.current, typesVersion: 0 };
    this.afterRead();
    return recorded;
  }

  async fits() {
    this.comparisons += 1;
    return this.fitsLog;
  }

  requestPosition() {
    this.prompts += 1;
  }

  moveTo(position: number) {
    this.current = position;
    this.#progress += 1;
    this.#wake();
  }

  fail(lastError: unknown) {
    this.status = { state: 'failed', lastError };
    this.#progress += 1;
    this.#wake();
  }
}

describe('a wait for a position', () => {
  test('resolves for what was processed before the follower failed between two reads', async () => {
    const follower = new Follower();
    follower.afterRead = () => {
      follower.moveTo(5);
      follower.fail(new Error('at 6'));
      follower.afterRead = () => {};
    };
    const watch = new PositionWatch(follower);
    const [reached, failed] = await Promise.allSettled([watch.reached(5, signal), watch.reached(6, signal)]);
    expect(reached.status).toBe('fulfilled');
    expect(failed).toMatchObject({ reason: new FollowerFailure(new Error('at 6')) });
    await watch.reached(4, signal);
  });

  test('does not resolve while the position does not fit the log', async () => {
    const follower = new Follower();
    follower.current = 5;
    follower.fitsLog = false;
    const watch = new PositionWatch(follower);
    let isSettled = false;
    const waits = [watch.reached(3, signal), watch.reached(0, signal)];
    const rejected = Promise.allSettled(waits).finally(() => {
      isSettled = true;
    });
    await expect.poll(() => follower.prompts).toBe(1);
    expect(isSettled).toBe(false);
    follower.fail('mismatch');
    for (const one of await rejected) expect(one).toMatchObject({ reason: new FollowerFailure('mismatch') });
    follower.fitsLog = true;
    await watch.reached(5, signal);
  });

  test('compares the position with the log once, until it is to be compared again', async () => {
    const follower = new Follower();
    follower.current = 5;
    const watch = new PositionWatch(follower);
    await watch.reached(5, signal);
    follower.moveTo(7);
    await watch.reached(7, signal);
    expect(follower.comparisons).toBe(1);
    watch.compareAgain();
    await watch.reached(2, signal);
    expect(follower.comparisons).toBe(2);
  });

  test('looks again at a state that may be old before it rejects', async () => {
    const follower = new Follower();
    follower.fail('long ago');
    follower.refresh = async () => {
      follower.status = { state: 'running', lastError: undefined };
      follower.moveTo(1);
    };
    await new PositionWatch(follower).reached(1, signal);
  });

  test('does not reject with a failure that was over before it began', async () => {
    const follower = new Follower();
    const watch = new PositionWatch(follower);
    follower.fail('before');
    let later: Promise<void> | undefined;
    follower.afterRead = () => {
      follower.afterRead = () => {};
      follower.status = { state: 'running', lastError: 'before' };
      later = watch.reached(2, signal);
    };
    await expect(watch.reached(1, signal)).rejects.toEqual(new FollowerFailure('before'));
    follower.moveTo(2);
    await later;
  });

  test('reads again at once what has moved while it was read', async () => {
    const follower = new Follower(); // has no pause that ends by itself
    follower.afterRead = () => {
      follower.afterRead = () => {};
      follower.moveTo(3);
    };
    await new PositionWatch(follower).reached(3, signal);
    expect(follower.pauses).toHaveLength(1);
  });

  test('that joins others ends their pause, so that its own position is read at once', async () => {
    const follower = new Follower();
    const watch = new PositionWatch(follower);
    const far = watch.reached(9, signal);
    await expect.poll(() => follower.pauses.length).toBe(1);
    follower.current = 2; // without a report of progress
    await watch.reached(2, signal);
    follower.moveTo(9);
    await far;
  });

  test('prompts the follower at each look, and pauses for 2 to 250 ms', async () => {
    const follower = new Follower(40);
    const watch = new PositionWatch(follower);
    const reached = watch.reached(1, signal);
    await expect.poll(() => follower.pauses.at(-1)).toBe(250);
    expect(follower.pauses[0]).toBeLessThan(60);
    expect(Math.min(...follower.pauses)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...follower.pauses)).toBe(250);
    follower.moveTo(1);
    await reached;
    expect(follower.prompts).toBe(follower.pauses.length);
  });

  test('leaves no listener and no timer behind, however it ends', async () => {
    const assertNoneLeft = watchListeners();
    const follower = new Follower(1);
    const watch = new PositionWatch(follower);
    for (let position = 1; position <= 1_000; position += 1) {
      const abort = new AbortController();
      const aborted = expect(watch.reached(10_000, abort.signal)).rejects.toBe('enough');
      const reached = watch.reached(position, signal);
      abort.abort('enough');
      follower.moveTo(position);
      await Promise.all([aborted, reached]);
    }
    const failing = Promise.allSettled([watch.reached(2_000, signal), watch.reached(2_001, signal)]);
    follower.fail('here');
    await failing;
    assertNoneLeft();
  });
});
