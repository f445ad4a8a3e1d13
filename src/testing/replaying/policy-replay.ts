import type { DomainEvent } from '../../domain/event.ts';
import { differenceLines, shown } from './event-comparison.ts';

/** A notification of which a policy makes something else than what is on record. Holds no personal data. */
export interface ReplayDifference {
  /** Application whose policy was run. */
  readonly applicationName: string;
  readonly upstreamName: string;
  readonly pipelineId: number;
  /** Id of the notification in the log of the upstream. */
  readonly notificationId: number;
  readonly eventType: string;
  readonly originatorId: string;
  /** Whether an event has other content, is made in addition, is not made, or the policy fails. */
  readonly kind: 'different' | 'new' | 'missing' | 'failed';
  /** Description of the event or the error: for `different`, a line for each field. */
  readonly lines: readonly string[];
}

/** An application that was left out, and the reason. */
export interface SkippedPolicy {
  readonly applicationName: string;
  /** Name of the upstream that was left out; undefined for all of them. */
  readonly upstreamName: string | undefined;
  readonly reason: string;
}

/** What policies make of the notifications on record. As text, it is a report. */
export class PolicyReplay {
  /** Number of notifications that the policies handled. */
  handled = 0;
  /** Number of events that are the same as on record. */
  same = 0;
  readonly counts: Record<ReplayDifference['kind'], number> = { different: 0, new: 0, missing: 0, failed: 0 };
  /** The first differences. */
  readonly first: ReplayDifference[] = [];
  readonly skipped: SkippedPolicy[] = [];

  /** Number of differences: 0 if the policies make exactly what is on record. */
  get differences(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** Returns the report. */
  toString(): string {
    const { different, new: added, missing, failed } = this.counts;
    const more = this.differences - this.first.length;
    return [
      ...this.first.map(textOf),
      ...(more > 0 ? [`… and ${more.toLocaleString('en')} more differences`] : []),
      ...this.skipped.map(
        ({ applicationName, upstreamName, reason }) =>
          `left out: ${upstreamName === undefined ? '' : `${upstreamName} -> `}${applicationName}: ${reason}`,
      ),
      `${this.handled.toLocaleString('en')} notifications handled: ${this.same.toLocaleString('en')} events same, ` +
        `${different} different, ${added} new, ${missing} missing, ${failed} failed`,
    ].join('\n');
  }
}

function textOf(one: ReplayDifference): string {
  const { upstreamName, applicationName, pipelineId, notificationId, eventType, originatorId, kind, lines } =
    one;
  const pipeline = pipelineId === 0 ? '' : ` of pipeline ${pipelineId}`;
  const head = `${kind}: ${upstreamName} ${notificationId}${pipeline} ${eventType} '${originatorId}' -> ${applicationName}`;
  return [head, ...lines.map((line) => `  ${line}`)].join('\n');
}

/** Describes an event of a difference. */
export function eventLine({ type, originatorId, data }: DomainEvent): string {
  return `${type} '${originatorId}' ${shown(data)}`;
}

/** Describes a pair of events of a difference. */
export function pairLines(pair: Parameters<typeof differenceLines>[0]): readonly string[] {
  return [`${pair.recorded.type} '${pair.recorded.originatorId}'`, ...differenceLines(pair)];
}
