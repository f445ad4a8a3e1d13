/** A hint that a log has grown. Losing, repeating or reordering prompts changes latency, never the result. */
export interface Prompt {
  readonly applicationName: string;
  readonly pipelineId: number;
  /** The id of the log's last notification when the prompt was made. */
  readonly head: number;
}
