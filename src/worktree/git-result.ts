/** What came of one call of git. */
export interface GitResult {
  /** Null when git did not end by itself. */
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  readonly ended: "exited" | "timeout" | "too-much" | "stopped" | "not-started";
}
