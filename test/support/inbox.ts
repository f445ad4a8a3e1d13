import type { Inbox } from '../../src/runner/application-loop.ts';

/** An inbox of this thread, without a poll. */
export function inboxOfThread(): Inbox {
  const prompts = new Set<string>();
  let wake = () => {};
  return {
    put(upstreamName) {
      prompts.add(upstreamName);
      wake();
    },
    async take(signal) {
      signal.addEventListener('abort', () => wake(), { once: true });
      while (prompts.size === 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const taken = [...prompts];
      prompts.clear();
      return taken;
    },
    get isEmpty() {
      return prompts.size === 0;
    },
  };
}
