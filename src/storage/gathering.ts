// Sends reads that are made at the same time as one batch. A page of the console shows what several verbs read, and
// each verb knows only its own statements. Together they are one round trip and one snapshot.

type Send = (statements: D1PreparedStatement[]) => Promise<D1Result<Record<string, unknown>>[]>;

interface Waiting {
  statements: D1PreparedStatement[];
  resolve: (results: Awaited<ReturnType<Send>>) => void;
  reject: (error: unknown) => void;
}

export interface Gathering {
  /** Sends the statements together with all others of this turn of the event loop. */
  read: Send;
  /** Sends the waiting statements now, so that the next ones come after them. */
  flush: () => void;
}

/** A turn is over when no promise has work left; a timeout of 0 ms would take a few milliseconds more. */
const turn = (): Promise<unknown> => scheduler.wait(0);

export function gather(send: Send): Gathering {
  let waiting: Waiting[] = [];
  const flush = (): void => {
    const asked = waiting;
    waiting = [];
    if (asked.length > 0) void sendTogether(send, asked);
  };
  return {
    read(statements) {
      return new Promise((resolve, reject) => {
        if (waiting.push({ statements, resolve, reject }) === 1) void turn().then(flush);
      });
    },
    flush,
  };
}

async function sendTogether(send: Send, asked: Waiting[]): Promise<void> {
  try {
    const results = await send(asked.flatMap(({ statements }) => statements));
    let from = 0;
    for (const { statements, resolve } of asked) resolve(results.slice(from, (from += statements.length)));
  } catch (error) {
    // One failed statement fails all reads: a page cannot be shown without one of its parts.
    for (const { reject } of asked) reject(error);
  }
}
