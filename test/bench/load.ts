// Requests over loopback, sixteen at a time. Plain HTTP/1.1 on sockets that stay open, because a client that
// does more would be what is measured.
import { connect, type Socket } from "node:net";

export const CONCURRENCY = 16;

export interface Call {
  method: string;
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
}

const encode = ({ method, path, headers = {}, body }: Call): string => {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    "Host: localhost:8787",
    ...(text === "" ? [] : ["Content-Type: application/json", `Content-Length: ${Buffer.byteLength(text)}`]),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}\r\n\r\n${text}`;
};

export interface Slice {
  requests: number;
  seconds: number;
  /** Milliseconds, in no order. */
  latencies: number[];
}

/** So long, or so many requests. */
export interface Length {
  milliseconds?: number;
  times?: number;
}

interface Reply {
  status: number;
  text: string;
}

/** How an answer in chunks ends (RFC 9112 section 7.1). */
const LAST_CHUNK = "0\r\n\r\n";

/** One connection: a request, then its answer, then the next. A new one takes its place if workerd closed it. */
class Line {
  readonly #port: number;
  #socket: Socket;
  #chunks: Buffer[] = [];
  #answered: ((reply: Reply) => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  constructor(port: number) {
    this.#port = port;
    this.#socket = this.#connect();
  }

  #connect(): Socket {
    const socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true });
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      const reply = this.#whole();
      if (reply) this.#answered?.(reply);
    });
    const fail = (error: Error): void => {
      // One that was replaced has nobody waiting.
      if (socket === this.#socket) this.#failed?.(error);
    };
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("the connection was closed")));
    return socket;
  }

  /** workerd closes a connection that waited for five seconds, maybe at this moment: then nothing was answered. */
  async send(call: Call): Promise<Reply> {
    const isNew = this.#socket.connecting;
    try {
      return await this.#ask(call);
    } catch (error) {
      if (isNew || this.#chunks.length > 0) throw error;
      this.#socket.destroy();
      this.#socket = this.#connect();
      return this.#ask(call);
    }
  }

  #ask(call: Call): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) return reject(new Error("the connection was closed"));
      this.#answered = resolve;
      this.#failed = reject;
      this.#socket.write(encode(call));
    });
  }

  close(): void {
    this.#failed = undefined;
    this.#socket.destroy();
  }

  /** The answer, where all of it is here. A long one is put together only then. */
  #whole(): Reply | null {
    const first = this.#chunks[0]!;
    const headEnd = first.indexOf("\r\n\r\n");
    if (headEnd < 0) return this.#joined();
    const head = first.toString("latin1", 0, headEnd);
    const status = Number(head.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    const received = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0) - headEnd - 4;
    const isWhole =
      status === 204 || status === 304
        ? true
        : length === undefined
          ? received >= LAST_CHUNK.length && this.#ending() === LAST_CHUNK
          : received >= Number(length);
    if (!isWhole) return null;
    const text = Buffer.concat(this.#chunks).toString("utf8", headEnd + 4);
    this.#chunks = [];
    return { status, text };
  }

  /** The head came in pieces: looked at again as one. */
  #joined(): Reply | null {
    if (this.#chunks.length === 1) return null;
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#whole();
  }

  /** Its last bytes may have come one by one. */
  #ending(): string {
    const { length } = LAST_CHUNK;
    return Buffer.concat(this.#chunks.slice(-length)).subarray(-length).toString("latin1");
  }
}

/** Sixteen callers of one Worker. */
export class Callers {
  readonly #lines: Line[];

  constructor(port: number) {
    this.#lines = Array.from({ length: CONCURRENCY }, () => new Line(port));
  }

  /**
   * Calls for so long, or so many times.
   * @throws where an answer has another status than `wanted`
   */
  async run(
    next: () => Call,
    wanted: number,
    { milliseconds = Infinity, times = Infinity }: Length,
  ): Promise<Slice> {
    const latencies: number[] = [];
    const started = performance.now();
    let left = times;
    await Promise.all(
      this.#lines.map(async (line) => {
        for (;;) {
          const at = performance.now();
          if (at - started >= milliseconds || left-- <= 0) return;
          const call = next();
          const { status, text } = await line.send(call);
          if (status !== wanted)
            throw new Error(`${call.method} ${call.path} → ${status}: ${text.slice(0, 400)}`);
          latencies.push(performance.now() - at);
        }
      }),
    );
    return { requests: latencies.length, seconds: (performance.now() - started) / 1000, latencies };
  }

  close(): void {
    for (const line of this.#lines) line.close();
  }
}
