// Shows the floor what the service sent and answered, so that it does the same work.
import type { Lesson, Sent, Work } from "./cost.ts";
import type { Call } from "./load.ts";
import { FIRST, type Operation, type World } from "./operations.ts";

export async function ask(port: number, { method, path, headers = {}, body }: Call): Promise<Response> {
  return fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    body: body === undefined ? null : typeof body === "string" ? body : JSON.stringify(body),
  });
}

/** How to ask the floor for the nth time. */
type FloorCall = (n: number) => Call;

export interface Floors {
  plain: FloorCall;
  /** The floor that signs the certificate of the answer as well, for a call that is answered with one. */
  signing?: FloorCall;
}

/**
 * Teaches the floor an operation that was just made on the metered service.
 * @returns null where the operation has no floor
 * @throws where the floor does not read and write as many rows as the service: then it is none
 */
export async function teachFloor(world: World, operation: Operation, work: Work): Promise<Floors | null> {
  const { app, metered } = world.house.ports;
  const { floor } = operation;
  if (floor === undefined) return null;
  if (floor.kind === "constant") return { plain: await teachConstant(world, operation) };
  const learned = await fetch(`http://127.0.0.1:${metered}/bench/statements`);
  const trips = await learned.json<Sent[][]>();
  await operation.before?.(world);
  const answer = await (await ask(app, operation.call(world, FIRST))).text();
  const lesson: Lesson = { statements: trips.flat(), alone: 0, answer: answer.length };
  if (floor.kind === "page") Object.assign(lesson, { alone: trips[0]!.length, page: piecesOf(answer) });
  const calls = callsOf(world, operation, lesson);
  const taught = async (name: string, more: Partial<Lesson>): Promise<FloorCall> => {
    const path = `/${encodeURIComponent(name)}`;
    await ask(world.house.ports.floor, { method: "PUT", path, body: { ...lesson, ...more } });
    const floorCall: FloorCall = (n) => ({ method: "POST", path, body: calls(n) });
    await assertSameWork(world, operation, work, floorCall(0));
    return floorCall;
  };
  const plain = await taught(operation.name, {});
  if (!floor.signs) return { plain };
  const { certificate } = JSON.parse(answer) as { certificate: string };
  return { plain, signing: await taught(`${operation.name}, signed`, { certificate: partsOf(certificate) }) };
}

/** What workerd sets itself. */
const FRAMING = new Set(["connection", "content-length", "date", "keep-alive", "transfer-encoding"]);

async function teachConstant(world: World, operation: Operation): Promise<FloorCall> {
  const { house } = world;
  const answer = await ask(house.ports.app, operation.call(world, FIRST));
  const headers = {
    "Bench-Headers": JSON.stringify([...answer.headers].filter(([name]) => !FRAMING.has(name))),
  };
  const body = await answer.text();
  await fetch(`http://127.0.0.1:${house.ports.floor}/constant`, { method: "PUT", headers, body });
  return () => ({ method: "GET", path: "/constant" });
}

/** The bodies of the calls: the values to bind, with those that differ from call to call. */
function callsOf(world: World, operation: Operation, { statements }: Lesson): (n: number) => string {
  const { floor } = operation;
  const { varies = () => ({}), makes } = floor?.kind === "constant" || !floor ? {} : floor;
  const values = statements.map((statement) => statement.values);
  const text = JSON.stringify(values);
  const moments = momentsOf(values);
  const made = makes ? new Set(text.match(makes)) : [];
  const length = JSON.stringify(operation.call(world, FIRST).body ?? "").length;
  return (n) => {
    const changes = Object.entries({
      ...varies(n),
      ...Object.fromEntries(moments.map((at) => [at, Date.now()])),
      ...Object.fromEntries([...made].map((id) => [id, another(id, n)])),
    });
    return changes.reduce((sum, [from, to]) => sum.replaceAll(from, String(to)), text).padEnd(length);
  };
}

async function assertSameWork(world: World, operation: Operation, work: Work, call: Call): Promise<void> {
  await operation.before?.(world);
  const answer = await ask(world.house.ports.floor, { ...call, method: "PATCH" });
  const { read, written } = await answer.json<Work>();
  if (read === work.read && written === work.written) return;
  throw new Error(
    `${operation.name}: the floor reads ${read} and writes ${written} rows, the service ${work.read} and ${work.written}.`,
  );
}

/** The nth id beside one: as long, and nobody else's. Of one width: …1 and 12 would be … and 112. */
const another = (id: string, n: number): string => {
  const number = String(n).padStart(7, "0");
  return id.slice(0, -number.length) + number;
};

const RECENT = 60_000;

/**
 * The instants among values that were bound just now. The floor binds its own: SQLite does not write a page that
 * it would leave as it was. Whole seconds are no clock's, but the ends of leases.
 */
function momentsOf(values: unknown[][]): number[] {
  const now = Date.now();
  const isMoment = (value: unknown): value is number =>
    typeof value === "number" && Math.abs(now - value) < RECENT && value % 1000 !== 0;
  return [...new Set(values.flat().filter(isMoment))];
}

const parsed = (part: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;

/** What a compact JWS says. */
function partsOf(token: string): NonNullable<Lesson["certificate"]> {
  const [header, claims] = token.split(".");
  return { header: parsed(header!), claims: parsed(claims!) };
}

/** The texts between two tags, and the values of attributes. */
const VALUES = /((?<=>)[^<]+(?=<)|(?<==")[^"]*(?="))/;

const ENTITIES: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#39;": "'",
};

/** A page as markup and values in turn, as somebody would write it by hand. */
const piecesOf = (html: string): string[] =>
  html
    .split(VALUES)
    .map((piece, n) =>
      n % 2 === 0 ? piece : piece.replaceAll(/&(?:amp|lt|gt|quot|#39);/g, (entity) => ENTITIES[entity]!),
    );
