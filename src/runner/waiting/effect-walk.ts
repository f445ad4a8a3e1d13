import { yieldIfBusy } from '../../util/yield-to-event-loop.ts';
import type { FollowerWatch } from './follower-watch.ts';
import type { IdRanges } from './id-ranges.ts';

/** Notifications that a follower has to process, and the effects of which have to be processed, too. */
export interface Branch {
  readonly follower: FollowerWatch;
  readonly ids: IdRanges;
  /** Id in the follower's log at or before which the notifications have no effects. */
  readonly after: number;
}

export interface EffectWalkOptions {
  /** Returns the followers of the log of a follower that have to process the effects in it. */
  followersOf(follower: FollowerWatch): readonly FollowerWatch[];
  /** Called with the error of a branch. Throws it if the walk has to end; otherwise, the branch is left out. */
  failed(error: unknown, branch: Branch): void;
  /** Called when a follower has processed notifications. May throw an error of the branch. */
  processed?(follower: FollowerWatch, ids: IdRanges, signal: AbortSignal): Promise<void>;
  /** Returns the signal that ends a wait of a follower. */
  signalOf(follower: FollowerWatch): AbortSignal;
}

/** A branch under way; each step resolves with effects to follow. */
interface Progress {
  readonly branch: Branch;
  readonly steps: AsyncGenerator<IdRanges, void, undefined>;
}

/** Largest number of branches that are under way at the same time; the others wait. */
const mostAtATime = 64;

/**
 * Waits until everything that follows from some notifications is processed: waits until each follower has processed
 * them, finds the effects in the follower's log, and so on. The newest branches go first, and a branch whose effects
 * are not all found waits on the stack, so that few are held however many effects there are.
 */
export class EffectWalk {
  readonly #options: EffectWalkOptions;
  readonly #stack: Progress[] = [];
  readonly #done = Promise.withResolvers<void>();
  #underWay = 0;

  constructor(options: EffectWalkOptions) {
    this.#options = options;
  }

  /** Resolves when the walk is complete. */
  async run(branches: readonly Branch[]): Promise<void> {
    this.#push(branches);
    this.#advance();
    await this.#done.promise;
  }

  #push(branches: readonly Branch[]): void {
    this.#stack.push(...branches.map((branch) => ({ branch, steps: this.#stepsOf(branch) })));
  }

  #advance(): void {
    while (this.#underWay < mostAtATime) {
      const next = this.#stack.pop();
      if (next === undefined) break;
      this.#underWay += 1;
      this.#step(next).then(
        () => {
          this.#underWay -= 1;
          this.#advance();
        },
        (error: unknown) => this.#done.reject(error), // the steps under way end with their signals
      );
    }
    if (this.#underWay === 0) this.#done.resolve();
  }

  async #step(progress: Progress): Promise<void> {
    const { branch, steps } = progress;
    try {
      await yieldIfBusy();
      const { value: effects } = await steps.next();
      if (effects === undefined) return;
      this.#stack.push(progress);
      const followers = this.#options.followersOf(branch.follower);
      this.#push(followers.map((follower) => ({ follower, ids: effects, after: 0 })));
    } catch (error) {
      this.#options.failed(error, branch);
    }
  }

  async *#stepsOf({ follower, ids, after }: Branch): AsyncGenerator<IdRanges, void, undefined> {
    const signal = this.#options.signalOf(follower);
    await follower.processed(ids, signal);
    await this.#options.processed?.(follower, ids, signal);
    if (this.#options.followersOf(follower).length > 0) yield* follower.effectsOf(ids, after, signal);
  }
}
