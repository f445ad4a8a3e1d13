import { isPipelineId } from '../util/ids.ts';

/** What a request asks for. */
export interface LogAddress {
  readonly applicationName: string;
  readonly pipelineId: number;
  /** Id of the section; undefined for the end of the log. */
  readonly sectionId: string | undefined;
}

/**
 * Returns what the path of a URL names: `/<application>/<pipeline>` or `/<application>/<pipeline>/sections/<id>`, under a
 * prefix. Undefined if it has another form.
 */
export function addressIn(pathname: string, prefix: string): LogAddress | undefined {
  if (!pathname.startsWith(`${prefix}/`)) return undefined;
  const parts = pathname.slice(prefix.length + 1).split('/');
  const [name = '', pipeline = '', sections, section] = parts.map(decoded);
  const pipelineId = /^(0|[1-9]\d{0,9})$/.test(pipeline) ? Number(pipeline) : undefined;
  if (name === '' || !isPipelineId(pipelineId)) return undefined;
  if (parts.length === 2) return { applicationName: name, pipelineId, sectionId: undefined };
  if (parts.length !== 4 || sections !== 'sections' || section === undefined) return undefined;
  return { applicationName: name, pipelineId, sectionId: section };
}

/** Decodes a part of a path; empty if it is no valid text. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return '';
  }
}
