// A progress bar on a terminal; nothing in a job's log.

export interface Progress {
  update(done: number): void;
  stop(): void;
}

const UNSEEN: Progress = { update: () => {}, stop: () => {} };

/** @param unit what is counted, such as "bytes sent" */
export async function startProgress(total: number, unit: string): Promise<Progress> {
  if (!process.stderr.isTTY) return UNSEEN;
  const { SingleBar } = await import("cli-progress");
  const format = `{bar} {percentage}% of {total} ${unit}`;
  const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true });
  bar.start(total, 0);
  return bar;
}
