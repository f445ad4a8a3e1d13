import type { Defect } from './defect.ts';

/** Defects of following logs and running policies. */
export const followingDefects: readonly Defect[] = [
  {
    breaks: 'A follower processes an effect although its cause is not processed',
    file: 'application/following/causal-gate.ts',
    from: 'cursor.seen >= cause.notificationId;',
    to: 'cursor.seen >= 0;',
    test: 'application/following/cause-order.test.ts',
    title: 'processes the cause first, in batches, and counts the notifications of each log',
  },
  {
    breaks: 'A follower does not look at dependencies on other pipelines',
    file: 'application/following/causal-gate.ts',
    from: 'if (dependencies !== undefined) return false;',
    to: '',
    test: 'application/following/causal-order.property.test.ts',
    title:
      'nothing is processed before its dependencies, and everything in the end, in any order of pipelines',
  },
  {
    breaks: 'A follower passes over notifications that are missing in the middle of a batch',
    file: 'application/following/upstream-cursor.ts',
    from: 'if (last !== undefined && last.id !== seen + notifications.length) {',
    to: 'if (last !== undefined && last.id < seen) {',
    test: 'application/log/gaps.test.ts',
    title: '',
  },
  {
    breaks: 'After a lost race, a follower goes on from the position that it knew',
    file: 'application/following/upstream-cursor.ts',
    from: 'if (found.position > this.seen) this.#last = await this.#notificationAt(found);',
    to: '',
    test: 'application/following/cause-order.test.ts',
    title: 'notices that another writer has processed the cause',
  },
  {
    breaks: 'A follower passes events that a newer version of it handles',
    file: 'application/following/type-gate.ts',
    from: "if (this.#recorded.has(type)) return 'TYPE_HANDLED_ELSEWHERE';",
    to: '',
    test: 'application/following/handled-types.test.ts',
    title: 'are left to the version that handles them, while it runs and when it has ended',
  },
  {
    breaks: 'A batch ends in the middle of an event that is read as several ones',
    file: 'application/policy/policy-batch.ts',
    from: 'if (steps[handled]?.notification === step.notification) continue;',
    to: '',
    test: 'application/evolution/evolving.property.test.ts',
    title: '',
  },
  {
    breaks: 'A repetition handles events again whose effects are on record',
    file: 'application/policy/policy-batch.ts',
    from: 'if (handler !== undefined && !setup.isLeftOut?.(notification, event.type))',
    to: 'if (handler !== undefined)',
    test: 'application/replaying/repetitions.property.test.ts',
    title: '',
  },
];
