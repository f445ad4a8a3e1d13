import { expect, onTestFinished } from 'vitest';

type Listener = Parameters<EventTarget['addEventListener']>[1];

/** Listeners and timers of the test program and of clocks, which come and go. */
const others = 5;

/**
 * Returns a function that throws if listeners of abort signals or of this process, or timers, were added since this call
 * and not removed.
 */
export function watchListeners(): () => void {
  const listening = new Map<EventTarget, Set<Listener>>();
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    if (type === 'abort') listening.set(this, (listening.get(this) ?? new Set()).add(listener));
    addEventListener.call(this, type, listener, options);
  };
  EventTarget.prototype.removeEventListener = function (type, listener, options) {
    if (type === 'abort') listening.get(this)?.delete(listener);
    removeEventListener.call(this, type, listener, options);
  };
  onTestFinished(() => void Object.assign(EventTarget.prototype, { addEventListener, removeEventListener }));
  const [onProcess, timers] = [listenersOfProcess(), runningTimers()];
  return () => {
    let onSignals = 0;
    for (const [signal, listeners] of listening)
      if (!(signal as AbortSignal).aborted) onSignals += listeners.size;
    expect(onSignals, 'listeners of signals').toBeLessThanOrEqual(others);
    expect(listenersOfProcess(), 'listeners of the process').toBe(onProcess);
    expect(runningTimers(), 'timers').toBeLessThanOrEqual(timers + others);
  };
}

function listenersOfProcess(): number {
  return process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
}

function runningTimers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}
