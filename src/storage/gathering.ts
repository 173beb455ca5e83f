// Reads that are asked for at the same time, as one batch. A page of the console shows what several verbs read,
// each of which knows only its own statements: together they are one round trip, and one snapshot.

type Send = (statements: D1PreparedStatement[]) => Promise<D1Result<Record<string, unknown>>[]>;

interface Waiting {
  statements: D1PreparedStatement[];
  resolve: (results: Awaited<ReturnType<Send>>) => void;
  reject: (error: unknown) => void;
}

export interface Gathering {
  /** Asks together with whatever else is asked for before this turn of the event loop is over. */
  read: Send;
  /** Sends what waits, so that what is sent next comes behind it. */
  flush: () => void;
}

/** A turn is over once no promise has anything left to do; a time-out of 0 ms would take some milliseconds more. */
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
    // A page lacks as much without one of its parts as without all of them.
    for (const { reject } of asked) reject(error);
  }
}
