/** A hint that a log has grown. Losing, repeating or reordering prompts changes latency, never results. */
export interface Prompt {
  readonly applicationName: string;
  readonly pipelineId: number;
  /** Id of the log's last notification when the prompt was sent. */
  readonly head: number;
}
