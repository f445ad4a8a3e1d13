// biome-ignore-all lint/suspicious/noTemplateCurlyInString: text of the library, which is code there

import type { Defect } from './defect.ts';

/** Defects of logs and their readers, here and over HTTP. */
export const readingDefects: readonly Defect[] = [
  {
    breaks: 'A reader passes over a missing notification',
    file: 'application/log/notification-log-reader.ts',
    from: 'if (item.id !== this.#position + 1) throw new LogGapError(this.#log, this.#position + 1);',
    to: '',
    test: 'application/log/gaps.test.ts',
    title: 'is read up to the gap',
  },
  {
    breaks: 'A slice has one notification too many',
    file: 'application/log/notification-log-reader.ts',
    from: 'Math.max(last - start, 0)',
    to: 'Math.max(last - start + 1, 0)',
    test: 'application/log/reader-contract.test.ts',
    title: 'reads by index and slice, and keeps its position',
  },
  {
    breaks: 'A reader that follows a log finds its own records by polling only',
    file: 'application/log/notification-log-reader.ts',
    from: 'this.#source.subscribe?.(() => grown.resolve());',
    to: 'this.#source.subscribe?.(() => {});',
    test: 'application/log/reader.test.ts',
    title: 'following reads own records without a poll, and stops listening at its end',
  },
  {
    breaks: 'A section that is full does not lead to the next one',
    file: 'application/log/sections.ts',
    from: 'nextId: (items.at(-1)?.id ?? 0) < first + size - 1',
    to: 'nextId: (items.at(-1)?.id ?? 0) <= first + size - 1',
    test: 'application/log/reader-contract.test.ts',
    title: 'reads sections, each with the ids of the previous and the next one',
  },
  {
    breaks: 'A section of another size is accepted',
    file: 'application/log/sections.ts',
    from: 'if (isAligned && id === sectionIdAt(first, size)) return first;',
    to: 'if (isAligned) return first;',
    test: 'application/log/reader-contract.test.ts',
    title: 'reads sections, each with the ids of the previous and the next one',
  },
  {
    breaks: 'Followers in the process of the writer get its events twice',
    file: 'application/log/recent-notifications.ts',
    from: 'for (let id = done.id + 1; notifications.length < limit; id += 1) {',
    to: 'for (let id = done.id; notifications.length < limit; id += 1) {',
    test: 'application/log/recent-events.property.test.ts',
    title: 'a follower gets exactly what it would read and decode, and shares only what nobody can change',
  },
  {
    breaks: 'A mark does not cover the data of its event',
    file: 'application/log/mark.ts',
    from: '`${numbers} ${originatorId}${type}${data}`',
    to: '`${numbers} ${originatorId}${type}`',
    test: 'application/following/marks.test.ts',
    title: 'a mark names its notification and does not change between releases',
  },
  {
    breaks: 'A log that was replaced is not told from the one that was followed',
    file: 'application/log/mark.ts',
    from: 'one.timestamp === other.timestamp &&\n    one.data === other.data',
    to: 'true',
    test: 'application/following/marks.test.ts',
    title: "a mark differs with { data: '{}' }",
  },
  {
    breaks: 'Every token is accepted',
    file: 'serving/authorization.ts',
    from: 'return digests.filter((one) => timingSafeEqual(one, digest)).length > 0;',
    to: 'return digest.length > 0;',
    test: 'serving/serve-logs.test.ts',
    title: 'refuses the authorization "Bearer wrong-token-of-test", also for logs that are not served',
  },
  {
    breaks: 'A follower accepts other ids from a server than those that it asked for',
    file: 'storage/remote/documents.ts',
    from: 'if (id !== expectedId) throw new',
    to: 'if (id === 0) throw new',
    test: 'serving/lying-server.test.ts',
    title: 'a gap',
  },
];
