/**
 * Bounds of the memory that one application uses, mostly in characters of the text that storage keeps. A single event, save or
 * aggregate that is larger passes alone.
 */
export const memoryBounds = {
  /** Notifications that a follower or a reader reads at once. A follower also ends a batch when its effects have this size. */
  page: 8_000_000,
  /** Saves that share a commit. */
  commit: 8_000_000,
  /** Saves that wait for their commit. */
  waitingSaves: 1_073_741_824,
  /** Events that an application recorded last, kept for its followers in the same process. */
  recentEvents: 2_000,
  /** Characters in those events. */
  recentSize: 1_000_000,
  /** Time after the last of them in which they are used, in ms: too short to restore the log from an older copy. */
  recentMs: 200,
  /** Keys of subjects that were used last and nothing holds. */
  subjectKeys: 10_000,
} as const;
